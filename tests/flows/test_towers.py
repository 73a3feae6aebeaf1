"""Lakes whose encoders share spaces: several text towers, none, and encoders of no joint space."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow.compute as pc
import pytest
from PIL import Image

from flows.cli import main
from flows.commands.status.show import projection_line
from flows.config.maintain import MaintainConfig
from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.media.decoders import decoders
from mmcore.search.searcher import Searcher
from mmcore.specs import EvaluationSpec, FitSpec, LimitsSpec, RuntimeSpec
from mmcore.types import Query
from storage.cells import write_cells
from storage.layout import Layout
from storage.records import read_record
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot
from storage.tables import read_parts
from storage.verification.verify import verify
from tests import crashes, media
from tests.crashes import contents_of, differences
from tests.factories import rejection
from tests.fakes import WORDS, MeaningEncoder, pitch
from tests.forgetting import settle
from tests.soundness import sound

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
MEASURED = {
    "fit": FitSpec(min_pairs=8, held_out=0.5, folds=2),
    "evaluation": EvaluationSpec(min_queries=1),
}


def makers(*told, maker=MeaningEncoder):
    """Encoders by name: modality and space of each, the main text encoder first."""
    return {
        f"{space}-{modality}": partial(_made, maker, modality, space) for modality, space in told
    }


def _made(maker, modality, space, cut):
    return maker(modality, space, dim=32, segmentation=cut)


JOINT = makers((TEXT, "seen"), (IMAGE, "seen"))
TOWERS = makers((TEXT, "seen"), (IMAGE, "seen"), (AUDIO, "heard"), (TEXT, "heard"))
MIXED = makers((TEXT, "seen"), (IMAGE, "seen"), (AUDIO, "heard"))


@pytest.fixture
def folder(tmp_path):
    """Two items for each word: a picture of its colour, a sound of its pitch, a caption."""
    for word, number in ((word, number) for word in WORDS for number in (1, 2)):
        stem = tmp_path / "media" / f"{word}-{number}"
        media.png(stem.with_suffix(".png"), Image.new("RGB", (7 + number, 8), WORDS[word]))
        media.wav(stem.with_suffix(".wav"), seconds=0.4 + 0.1 * number, hertz=pitch(word))
        media.text(stem.with_suffix(".txt"), f"A {word} thing, number {number}.")
    return tmp_path / "media"


@pytest.fixture
def index(monkeypatch, folder, tmp_path):
    """Index the folder with some encoders, as a plain call; the lake is named by the caller."""

    def indexing(encoders, lake="lake", **options):
        run = crashes.plain_index(monkeypatch, makers=encoders)
        return run(folder, tmp_path / lake, **{**MEASURED, **options})

    return indexing


@pytest.fixture
def opened(tmp_path):
    """What is published of a lake."""
    return lambda lake="lake": Snapshot.open(Layout(tmp_path / lake))


@pytest.fixture
def find(tmp_path):
    """Keys of the best items, by the encoders that the last run had."""

    def finding(lake="lake", **asked):
        searcher = Searcher.open(tmp_path / lake, runtime=RuntimeSpec(device="cpu"))
        return [hit.key for hit in searcher.search(Query(**{"k": 2, **asked}))]

    return finding


def both(word):
    """The two items that mean a word."""
    return {f"{word}-1", f"{word}-2"}


def directions(result):
    """The directions that were measured."""
    return set(result.scores)


def indexes(snapshot):
    """Modality and space of each index."""
    return {(one.modality, one.space) for one in snapshot.manifest.indexes}


def test_encoders_of_one_space_are_fused_measured_and_searched_in_it(index, opened, find, folder):
    """No projection is made; items are fused of pictures and captions as they are."""
    result, snapshot = index(JOINT), opened()
    _, vectors, has = snapshot.fused()

    assert (snapshot.manifest.projection, snapshot.manifest.fusion.space) == (None, "seen")
    assert len(vectors) == 16
    assert has.sum() == 32
    assert indexes(snapshot) == {(TEXT, "seen"), (IMAGE, "seen"), (FUSED, "seen")}
    assert directions(result) == {
        *("text:en→image", "image→text:en", "text:en→fused", "image→fused"),
    }
    assert result.scores["text:en→image"]["Success@10"] == 1.0
    assert set(find(text="something green", modality=IMAGE)) == both("green")
    assert set(find(media=str(folder / "blue-1.png"), modality=TEXT)) == both("blue")
    assert set(find(text="something cyan")) == set(find(media=str(folder / "cyan-2.png")))
    sound(snapshot)


def test_a_lake_of_joint_spaces_with_nothing_new_is_left_alone(index, opened, folder):
    """A second run publishes nothing; a new caption leaves the index of pictures as it was."""
    index(TOWERS)
    first = opened().manifest
    assert index(TOWERS).status == "unchanged"

    media.text(folder / "red-1.txt", "A red thing that has changed.")
    index(TOWERS)
    kept = {(one.modality, one.path) for one in first.indexes}
    now = {(one.modality, one.path) for one in opened().manifest.indexes}
    assert {modality for modality, _ in kept & now} == {IMAGE, AUDIO}
    assert len(now) == 5


def test_another_model_in_the_same_space_fuses_every_item_again(index, opened):
    """A fused row is kept only if the encoders that made its vectors are the same."""
    index(JOINT)
    newer = {**JOINT, **makers((IMAGE, "seen"), maker=partial(MeaningEncoder, version=2))}
    index(newer)
    index(newer, lake="fresh")

    np.testing.assert_array_equal(opened().fused()[1], opened("fresh").fused()[1])


def test_each_space_is_asked_by_its_own_text_tower(index, opened, find, folder):
    """Texts find sounds and sounds find texts in the sounds' space, pictures in the main one."""
    result, snapshot = index(TOWERS), opened()

    assert snapshot.spaces(TEXT) == ("seen", "heard")
    assert snapshot.manifest.projection is None
    assert indexes(snapshot) == {
        *((TEXT, "seen"), (TEXT, "heard"), (IMAGE, "seen"), (AUDIO, "heard"), (FUSED, "seen")),
    }
    assert directions(result) == {
        *("text:en→image", "image→text:en", "text:en→fused", "image→fused"),
        *("text:en→audio", "audio→text:en"),
    }
    assert result.scores["audio→text:en"]["Success@10"] == 1.0
    assert set(find(text="something green", modality=AUDIO)) == both("green")
    assert set(find(text="something green", modality=IMAGE)) == both("green")
    assert set(find(media=str(folder / "white-1.wav"), modality=TEXT)) == both("white")
    assert set(find(media=str(folder / "white-1.wav"))) == both("white")
    assert not snapshot.fused()[2][:, list(Modality).index(AUDIO)].any()
    sound(snapshot)


def test_only_the_tower_that_is_needed_encodes(index, tmp_path, monkeypatch):
    """A text that looks for sounds is not encoded by the main text encoder."""
    index(TOWERS)
    searcher, asked = Searcher.open(tmp_path / "lake"), []
    real = MeaningEncoder.encode
    monkeypatch.setattr(
        MeaningEncoder, "encode", lambda e, i: asked.append(e.key.name) or real(e, i)
    )

    searcher.search(Query(text="red", modality=AUDIO))
    searcher.search(Query(text="red"))
    assert asked == ["heard-text", "seen-text"]


def test_a_picture_cannot_look_for_sounds_of_another_space(index, find, folder):
    """The error says that a text could: no number of items would join the two."""
    index(TOWERS)

    with pytest.raises(SpaceMismatchError, match="or ask with a text"):
        find(media=str(folder / "red-1.png"), modality=AUDIO)


@pytest.mark.parametrize("whole", [False, True], ids=["cut", "flipped"])
def test_a_damaged_file_of_the_second_tower_is_found_and_mended(index, opened, whole):
    """Verification reads its cells too; the next run embeds those texts again, with it alone."""
    index(TOWERS)
    layout, manifest = opened().layout, opened().manifest
    (name, *_) = (f.path for f in manifest.files if "/heard-text-" in f.path)
    data = (layout.root / name).read_bytes()
    at = len(data) // 2
    broken = data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :] if whole else data[:at]
    (layout.root / name).write_bytes(broken)

    assert name in {finding.path for finding in verify(layout, manifest).findings}
    if not whole:
        result = index(TOWERS)
        assert result.set_aside == (name,)
        assert result.new["heard-text"] == 16
        assert result.new["seen-text"] == 0
        sound(opened())


def test_verification_tells_segments_that_the_second_tower_lacks(index, opened):
    """A manifest without a part of its cells is not whole, though the main ones are there."""
    index(TOWERS)
    manifest = opened().manifest
    files = [f for f in manifest.files if "/heard-text-" not in f.path]

    found = verify(opened().layout, manifest.model_copy(update={"files": files})).findings
    assert [f.why for f in found if "heard-text" in f.path] == [
        "lacks the vectors of 16 of 16 live segments"
    ]


def test_a_text_that_one_tower_refused_is_no_segment(index, opened, tmp_path):
    """What is live has a vector of every tower; the other texts stay, and the file is told."""
    index(TOWERS)
    (part,) = (tmp_path / "lake" / "embeddings" / "text").glob("heard-text-*/*.parquet")
    cells, record = read_parts([part]), read_record(part)
    said = pc.match_substring(cells["text"], "cyan")
    lost = sorted(cells.filter(said)["content_id"].to_pylist())
    decoder = decoders(LimitsSpec())[0]
    told = replace(
        record,
        done=tuple(c for c in record.done if c not in lost),
        rejections=tuple(rejection(content, decoder) for content in lost),
    )
    other = tmp_path / "other" / part.relative_to(tmp_path / "lake")
    write_cells(other, cells.filter(pc.invert(said)), told)

    result = index(TOWERS, lake="other", max_bad_fraction=1.0)
    seen, heard = opened("other").cells(TEXT), opened("other").cells(TEXT, space="heard")
    assert (result.new["heard-text"], result.segments[TEXT]) == (0, 14)
    assert seen[0].tolist() == heard[0].tolist()
    assert lost == sorted(opened("other").rows("quarantine")["content_id"].to_pylist())
    sound(opened("other"))


def test_compaction_keeps_the_cells_of_every_tower(index, opened, folder, monkeypatch):
    """Its small parts are rewritten too, and hold what they held; a run finds nothing to do."""
    from flows import maintain

    index(TOWERS)
    media.text(folder / "red-1.txt", "A red thing that has changed.")
    index(TOWERS)
    before = opened()
    crashes.plain_tasks(monkeypatch)
    maintain.maintain.fn(MaintainConfig(lake=str(before.layout.root)))

    after = sound(opened())
    assert len(before.manifest.paths("embeddings/text")) == 4
    assert len(after.manifest.paths("embeddings/text")) == 2
    assert differences(contents_of(after), contents_of(before)) == (0, 0, 0)
    assert index(TOWERS).status == "unchanged"


def test_what_is_forgotten_leaves_every_tower(index, opened, folder, monkeypatch, tmp_path):
    """Its cells, indexes and fused vector go; the next run writes nothing."""
    settle(folder)
    index(TOWERS)
    told = ["mmindex", "forget", "media/red-1.txt", "--lake", str(tmp_path / "lake"), "--yes"]
    monkeypatch.setattr("sys.argv", told)
    with pytest.raises(SystemExit) as ended:
        main()

    after = sound(opened())
    assert ended.value.code == 0
    assert len(after.cells(TEXT)[0]) == len(after.cells(TEXT, space="heard")[0]) == 15
    assert {after.index(TEXT, space).card.rows for space in ("seen", "heard")} == {15}
    assert index(TOWERS, crawl={"hash_all": True}).status == "unchanged"


def test_a_status_says_how_each_encoder_is_joined(index, opened):
    """In words, for a lake of joint spaces and for one of text towers."""
    foreign = makers(*[(TEXT, "said"), (IMAGE, "seen"), (AUDIO, "heard"), (TEXT, "heard")])
    index(MIXED, fit=FitSpec(min_pairs=8, held_out=0, folds=2))
    index(foreign, lake="other", fit=FitSpec(min_pairs=8, held_out=0, folds=2))

    assert projection_line(opened().manifest) == (
        "seen/p1: text as it is, in the space that others are led into;"
        " image as it is, in the space that others are led into; audio fitted on pairs"
    )
    assert projection_line(opened("other").manifest).endswith(
        "audio in the space heard, which texts have too;"
        " text in the space heard, which texts have too"
    )


def test_stored_vectors_ask_in_each_space_of_a_private_lake(index):
    """It keeps no texts, and is measured all the same, by both towers."""

    class Stored(MeaningEncoder):
        asks_as_stored = True

    told = [(TEXT, "seen"), (IMAGE, "seen"), (AUDIO, "heard"), (TEXT, "heard")]
    result = index(makers(*told, maker=Stored), private=True)

    assert {"text:en→audio", "audio→text:en", "text:en→image"} <= directions(result)
    assert result.scores["text:en→audio"]["Success@10"] == 1.0


def test_pictures_alone_are_a_lake(index, opened, find, folder):
    """Without a text encoder nothing is joined or measured; pictures find pictures."""
    result = index(makers((IMAGE, "seen")), max_bad_fraction=1.0)

    assert (result.status, result.evaluation) == ("published", "unmeasured")
    assert opened().manifest.projection is None
    assert opened().manifest.fusion.space == "seen"
    assert set(find(media=str(folder / "red-1.png"))) == both("red")
    assert set(find(media=str(folder / "red-1.png"), modality=IMAGE)) == both("red")
    with pytest.raises(ConfigError, match="no encoder for text: it can be asked by image"):
        find(text="red")
    assert index(makers((IMAGE, "seen")), max_bad_fraction=1.0).status == "unchanged"


def test_texts_alone_are_fused(index, opened, find):
    """Items are found by their captions, in the text encoder's own space."""
    index(makers((TEXT, "said")), max_bad_fraction=1.0)

    assert (opened().manifest.projection, opened().manifest.fusion.space) == (None, "said")
    assert set(find(text="a yellow one")) == both("yellow")


def test_an_encoder_of_another_space_is_joined_and_changes_no_joint_vector(
    index, opened, find, folder
):
    """Texts rank pictures exactly as without it; sounds are found among them, and are fused."""
    index(JOINT, lake="joint")
    index(MIXED, fit=FitSpec(min_pairs=8, held_out=0, folds=2))
    joint, mixed = opened("joint"), opened()

    assert mixed.manifest.projection.states == {
        **{"seen-text": "joint", "seen-image": "joint"},
        **{"heard-audio": "fitted"},
    }
    assert {mixed.space(m) for m in (TEXT, IMAGE, AUDIO)} == {"seen/p1"}
    for modality in (TEXT, IMAGE):
        for one, other in zip(
            joint.vectors(modality)[1:], mixed.vectors(modality)[1:], strict=True
        ):
            np.testing.assert_array_equal(one, other)
    asked = {"text": "something red", "modality": IMAGE, "k": 16}
    assert find(lake="joint", **asked) == find(**asked)
    assert set(find(text="a purple thing", modality=AUDIO)) == both("purple")
    assert set(find(media=str(folder / "green-1.wav"), modality=IMAGE)) == both("green")
    assert mixed.fused()[2].sum() == 3 * 16
    sound(mixed)


def test_a_joint_space_waits_for_whom_it_can_join(index, opened):
    """Without enough pairs there is no projection, and the joint vectors are not copied."""
    few = FitSpec(min_pairs=1000, held_out=0, folds=2)
    index(MIXED, fit=few)
    assert (opened().manifest.projection, opened().space(AUDIO)) == (None, "heard")

    index(MIXED)
    assert opened().space(AUDIO) == opened().space(TEXT) == "seen/p1"


def test_a_partner_of_another_version_is_joined_again(index, opened):
    """A changed picture encoder is in the shared space again after the run that embeds with it."""
    spec = {"fit": FitSpec(min_pairs=8, held_out=0, folds=2)}
    index(MIXED, **spec)
    newer = {**MIXED, **makers((IMAGE, "seen"), maker=partial(MeaningEncoder, version=2))}
    index(newer, **spec)

    assert opened().space(IMAGE) == opened().space(AUDIO) == "seen/p2"
    assert index(newer, **spec).status == "unchanged"


def test_another_preset_leaves_no_projection_that_joins_nobody(index, opened):
    """From a joined lake to a joint one: what was projected is not named any more."""
    index(MIXED, fit=FitSpec(min_pairs=8, held_out=0, folds=2))
    index(JOINT, max_bad_fraction=1.0, gate=GateSpec(enabled=False))  # no sounds any more

    assert (opened().manifest.projection, opened().manifest.fusion.space) == (None, "seen")
    assert opened().manifest.paths("models") == opened().manifest.paths("spaces") == []
