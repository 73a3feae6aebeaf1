from __future__ import annotations

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
from gensim.models import KeyedVectors

from mmcore.encoders.families import words as families_words
from mmcore.encoders.families.word_files import read_file
from mmcore.encoders.families.word_folder import read_folder, write_folder
from mmcore.encoders.families.word_table import SIF, WordTable, words_of
from mmcore.encoders.families.words import build_glove, build_word2vec
from mmcore.encoders.presets import chosen
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.checkpoints import checkpoint
from tests.made.checkpoints.word2vec import DIM, WORDS, vectors

TEXTS = {
    "A red frog in the rain.": ["a", "red", "frog", "in", "the", "rain"],
    "The train leaves at noon, the dog barks!": (
        ["the", "train", "leaves", "at", "noon", "the", "dog", "barks"]
    ),
    "一只青蛙在汽车里": ["一只", "青蛙", "在", "汽车", "里"],
    "红色的汽车 and a 狗": ["红色", "的", "汽车", "a", "狗"],
}


def glove(path, **segmentation):
    """The encoder of a file."""
    runtime = RuntimeSpec(models={"glove": str(path)})
    return build_glove(SegmentationSpec(**segmentation), runtime)


def word2vec(path):
    """The encoder of a folder."""
    return build_word2vec(SegmentationSpec(), RuntimeSpec(models={"word2vec": str(path)}))


def keyed(tmp_path, **options):
    """The same vectors, as gensim writes them."""
    made = KeyedVectors(DIM)
    made.add_vectors(list(WORDS), vectors())
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / f"vectors.{'bin' if options.get('binary') else 'txt'}"
    made.save_word2vec_format(str(path), **options)
    return path


def unit(rows):
    """Rows at length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    "options", [{"write_header": False}, {}, {"binary": True}], ids=["glove", "text", "binary"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_text_is_the_mean_of_its_words(options, packed, tmp_path):
    """As gensim reads the file and averages the same words, in each format, gzipped too."""
    path = keyed(tmp_path, **options)
    reference = KeyedVectors.load_word2vec_format(str(keyed(tmp_path / "reference")), binary=False)
    wanted = [reference.get_mean_vector(words, pre_normalize=False) for words in TEXTS.values()]
    if packed:
        zipped = path.with_name(f"{path.name}.gz")
        zipped.write_bytes(gzip.compress(path.read_bytes()))
        path = zipped

    found = glove(path).encode(list(TEXTS))

    assert found.shape == (4, DIM + 1)
    assert (found[:, -1] == 0).all()
    assert (unit(np.stack(wanted)) * found[:, :-1]).sum(axis=1).min() >= 0.9999
    assert (found[:1] * found[1:2]).sum() < 0.95


def test_frequent_words_weigh_less():
    """With counts a word weighs a / (a + p); by hand from the folder's numbers."""
    counts = np.array([1000 // (rank + 1) for rank in range(len(WORDS))])
    weights = SIF / (SIF + counts / counts.sum())
    place = {word: row for row, word in enumerate(WORDS)}
    wanted = np.stack(
        [sum(weights[place[w]] * vectors()[place[w]] for w in words) for words in TEXTS.values()]
    )

    found = word2vec(checkpoint("word2vec")).encode(list(TEXTS))

    np.testing.assert_allclose(found[:, :-1], unit(wanted), atol=1e-5)


def test_a_text_has_one_vector_in_any_company(monkeypatch):
    """Alone, in a batch and in another order: to the bit, however many words go at once."""
    monkeypatch.setattr(families_words, "_AT_ONCE", 9)
    encoder = word2vec(checkpoint("word2vec"))
    texts = [*TEXTS, "nothing known: qwxz", "frog " * 30, ""]

    together = encoder.encode(texts)

    np.testing.assert_array_equal(encoder.encode(texts[::-1])[::-1], together)
    for text, row in zip(texts, together, strict=True):
        np.testing.assert_array_equal(encoder.encode_query(text), row)
    np.testing.assert_array_equal(encoder.encode_queries(texts), together)


def test_a_text_of_unknown_words_is_like_no_other():
    """It has a direction of its own, which no text with a known word has any part of."""
    encoder = word2vec(checkpoint("word2vec"))
    unknown = encoder.encode(["zyx wvu", "", "🦊", "???", "\ud800\0"])

    np.testing.assert_allclose(unknown @ unknown.T, 1)
    assert (unknown @ encoder.encode(list(TEXTS)).T == 0).all()


def test_words_that_cancel_out_have_no_direction(tmp_path):
    """Opposite vectors of two words: the text is treated as one of unknown words."""
    path = tmp_path / "v.txt"
    path.write_text("up 1 2\ndown -1 -2\n")

    found = glove(path).encode(["up down"])

    assert found.tolist() == [[0, 0, 1]]


def test_words_are_looked_for_as_written_then_lower_then_by_characters():
    """Apple is not apple where both are known; an unknown Chinese word is its characters."""
    vocabulary = ["Apple", "apple", "pear", "蓝", "天", "蓝鲸"]
    table = WordTable.of(vocabulary, np.eye(6, dtype=np.float32))

    assert table.find("Apple") == [(0, 1.0)]
    assert table.find("apple") == [(1, 1.0)]
    assert table.find("PEAR") == [(2, 1.0)]
    assert table.find("蓝鲸") == [(5, 1.0)]
    assert table.find("蓝天") == [(3, 0.5), (4, 0.5)]
    assert table.find("蓝猫") == [(3, 1.0)]
    assert table.find("猫") == table.find("plum") == []


def test_traditional_characters_find_simplified_ones(tmp_path):
    """A text has one vector in both scripts, in which ever the vectors' words are written."""
    for words in (["汽车", "火车"], ["汽車", "火車"]):
        path = tmp_path / f"{words[0]}.txt"
        path.write_text(f"{words[0]} 1 2\n{words[1]} 3 -1\n", "utf-8")
        encoder = glove(path)

        np.testing.assert_array_equal(encoder.encode(["汽车"]), encoder.encode(["汽車"]))
        assert encoder.encode(["汽车"])[0, -1] == 0


def test_punctuation_is_no_word_unless_alone():
    """Letters of other alphabets stay together, as jieba would not have them."""
    assert words_of("A café, in Straße 5: 下雨了!") == [
        "A",
        "café",
        "in",
        "Straße",
        "5",
        "下雨",
        "了",
    ]
    assert words_of("?!") == ["?", "!"]
    assert words_of("Привет мир") == ["Привет", "мир"]
    assert words_of(" ") == []


def test_a_lakes_dictionaries_decide_words(tmp_path):
    """A word of the user's dictionary is one word; the fingerprint is another then."""
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("青蛙汽车 100 n\n", "utf-8")
    path = tmp_path / "v.txt"
    path.write_text("青蛙 1 0\n汽车 0 1\n青蛙汽车 -1 -1\n", "utf-8")
    plain, taught = glove(path), glove(path, text_dictionaries=(str(dictionary),))

    assert plain.encode(["青蛙汽车"])[0, 0] > 0
    assert taught.encode(["青蛙汽车"])[0, 0] < 0
    assert plain.key.fingerprint != taught.key.fingerprint


def test_the_first_of_two_equal_words_counts_and_words_may_hold_spaces(tmp_path):
    """As in GloVe's largest file, which has ``. . .`` and addresses with a space."""
    path = tmp_path / "v.txt"
    path.write_bytes("dog 1 2\ndog 3 4\n. . . 5 6\nat Amazon.com 7 8 \nnbsp\xa0x 9 10".encode())

    table = read_file(path)

    assert dict(table.places) == {"dog": 0, ". . .": 2, "at Amazon.com": 3, "nbsp\xa0x": 4}
    assert table.vectors.tolist() == [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a 1 2 3\nb 1 2\n", "line 2: is not a word and 3 numbers"),
        (b"a 1 2 3\nb 1 2 3 4\n", "line 2: is not a word and 3 numbers"),
        (b"a 1 2 3\nb 1 x 3\n", "line 2: is not"),
        (b"a 1 2 3\n\nb 1 2 3\n", "line 2: is not"),
        (b"2 3\na 1 2 3\nb 1 2\n", "line 3: is not"),
        (b"a 1 2 3\nb 1 nan 3\n", "line 2: a number that is not finite"),
        (b"a 1 2 3\nb 1 1e6 3\n", "line 2: a number"),
        (b"a 1 2 3\n\xff\xfe 1 2 3\n", "line 2: the word is not UTF-8"),
        (b"3 3\na 1 2 3\nb 1 2 3\n", "says 3 words, there are 2"),
        (b"1 3\na 1 2 3\nb 1 2 3\n", "says 1 words, there are 2"),
        (b"once upon a time\n", "no file of word vectors"),
        (b"", "no file of word vectors"),
        (b"PK\x03\x04....", "zip file: unpack it"),
        (b"\xba\x16\x4f\x2f....", "fastText"),
        (b"\x1f\x8bbroken", "damaged gzip"),
        (gzip.compress(b"a 1 2 3\n" * 9000)[:-9], "damaged gzip"),
        (b"5 0\n", "vectors of 0 dimensions"),
    ],
)
def test_a_damaged_text_file_is_refused(content, said, tmp_path):
    """The message names the file and the line; nothing is skipped."""
    path = tmp_path / "v.txt"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match=said) as caught:
        glove(path).encode(["a"])
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda raw: raw[:-3], f"word {len(WORDS)}: the file is not whole"),
        (lambda raw: raw + b"more", "and there are more"),
        (lambda raw: raw[:6] + b"x" * 20_000, "word 1: the file is not whole"),
        (
            lambda raw: raw.replace("青蛙".encode(), b"\xff\xfe\xff\xfe\xff\xfe"),
            "word 14: the word",
        ),
        (lambda raw: raw[:-4] + b"\x00\x00\x80\x7f", f"word {len(WORDS)}: a number"),
    ],
)
def test_a_damaged_binary_file_is_refused(change, said, tmp_path):
    """The message names the word."""
    path = keyed(tmp_path, binary=True)
    path.write_bytes(change(path.read_bytes().rstrip(b"\n")))

    with pytest.raises(ConfigError, match=said):
        glove(path).encode(["a"])


@pytest.mark.parametrize("name", ["v.model", "v.kv", "v.npy", "v.txt"])
def test_no_pickle_is_opened(name, tmp_path):
    """By its name or its first byte; the message says how to export the vectors."""
    path = tmp_path / name
    path.write_bytes(b"\x80\x04\x95")

    with pytest.raises(UnsafeWeightsError, match="save_word2vec_format"):
        glove(path)


def test_gensims_own_file_is_refused(tmp_path):
    """``KeyedVectors.save`` writes a pickle."""
    made = KeyedVectors(2)
    made.add_vectors(["a"], [[1, 2]])
    made.save(str(tmp_path / "vectors.bin"))

    with pytest.raises(UnsafeWeightsError, match="pickle"):
        glove(tmp_path / "vectors.bin")


def test_vectors_have_to_be_named_and_there(tmp_path):
    """Neither preset has vectors of its own."""
    with pytest.raises(ConfigError, match="glove:FILE"):
        chosen("glove")
    with pytest.raises(ConfigError, match="has no vectors of its own"):
        build_word2vec(SegmentationSpec(), RuntimeSpec())
    with pytest.raises(MissingWeightsError):
        glove(tmp_path / "none.txt")


def test_a_folder_is_mapped_and_half_precision_does(tmp_path):
    """Vectors stay in the file; without counts all words weigh the same."""
    write_folder(tmp_path, WORDS, vectors().astype(np.float16))
    table = read_folder(tmp_path)

    assert isinstance(table.vectors, np.memmap)
    assert table.weights is None
    np.testing.assert_allclose(
        word2vec(tmp_path).encode(list(TEXTS)),
        glove(checkpoint("glove")).encode(list(TEXTS)),
        atol=2e-3,
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", b'{"format": "other", "dim": 24}', "format is 'other'"),
        ("config.json", b"[]", "is not of a folder of word vectors"),
        ("config.json", b'{"format": "mmindex-words-1", "dim": 0}', "dim is 0"),
        ("config.json", b'{"format": "mmindex-words-1", "dim": 25}', "25 words of 25"),
        ("vocab.txt", b"one\n", "but 1 words of 24"),
        ("vectors.safetensors", b"\x80\x04", "cannot be read"),
    ],
)
def test_a_folder_whose_files_do_not_fit_is_refused(name, content, said, tmp_path):
    """ConfigError names the file."""
    write_folder(tmp_path, WORDS, vectors())
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ConfigError, match=said):
        word2vec(tmp_path).encode(["frog"])


def test_the_fingerprint_is_of_the_content(tmp_path):
    """Elsewhere and under another name the same; with another number not."""
    path = checkpoint("glove")
    copy = tmp_path / "renamed.vec"
    copy.write_bytes(path.read_bytes())
    assert glove(copy).key == glove(path).key

    copy.write_bytes(path.read_bytes().replace(b"the ", b"tho ", 1))

    assert glove(copy).key.fingerprint != glove(path).key.fingerprint
    assert glove(copy).key.space != glove(path).key.space


def test_building_and_embedding_import_no_torch():
    """Nor gensim: sums of NumPy are all there is to it."""
    models = {name: str(checkpoint(name)) for name in ("word2vec", "glove")}
    code = (
        "import sys\n"
        "from mmcore.encoders.base import encoders\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"runtime = RuntimeSpec(models={json.dumps(models)})\n"
        "for name in ('word2vec', 'glove'):\n"
        "    made = encoders.get(name)(SegmentationSpec(), runtime)\n"
        "    assert made.encode(['一只青蛙', 'a frog']).shape == (2, 25)\n"
        "assert not {'torch', 'gensim', 'scipy'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
