"""Tests of mmcore/media/videos/subtitles.py."""

import av
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.videos import subtitles as module
from mmcore.media.videos.subtitles import subtitles
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from storage.schemas import Modality
from tests import media
from tests.made import videos

SPEC, LIMITS = SegmentationSpec(), LimitsSpec()
PLAIN = [(0.0, 1.0, b"<i>Hello</i> there"), (1.0, 2.5, "你好，世界".encode())]


def found(path, spec=SPEC, limits=LIMITS):
    """All pieces of a file's subtitles."""
    return list(subtitles(media.content(path, Modality.VIDEO), spec, limits))


@pytest.mark.parametrize(
    ("name", "codec", "cues"),
    [
        ("a.mkv", "srt", PLAIN),
        (
            "a.mkv",
            "ass",
            [
                (0.0, 1.0, rb"0,0,Default,,0,0,0,,{\an8}Hello\Nthere"),
                (1.0, 2.5, "1,0,Default,,0,0,0,,你好，世界".encode()),
            ],
        ),
        ("a.mkv", "webvtt", [(s, e, t.replace(b"i>", b"c.red>")) for s, e, t in PLAIN]),
        ("a.webm", "webvtt", PLAIN),
        ("a.mp4", "mov_text", [(s, e, videos.timed_text(t.decode())) for s, e, t in PLAIN]),
        ("a.mov", "mov_text", [(s, e, videos.timed_text(t.decode())) for s, e, t in PLAIN]),
    ],
)
def test_text_tracks_of_each_kind(tmp_path, name, codec, cues):
    """Whatever holds them: cues are packed, without markup, first start to last end."""
    (piece,) = found(videos.subtitled(tmp_path / name, [(codec, cues)]))

    assert piece.text == "Hello there 你好，世界"
    assert piece.span == Span(0.0, 2.5, "second")
    assert (piece.source, piece.kind, piece.segmentation) == (
        "subtitle:0",
        "subtitle",
        "cue-400",
    )


def test_tracks_are_numbered_and_have_their_own_language(tmp_path):
    """Two tracks are two sources; the language is that of the text."""
    tracks = [("srt", PLAIN[:1]), ("srt", PLAIN[1:])]
    pieces = found(videos.subtitled(tmp_path / "a.mkv", tracks))

    assert [(p.source, p.language) for p in pieces] == [("subtitle:0", "en"), ("subtitle:1", "zh")]


def test_cues_are_packed_to_chunks(tmp_path):
    """Neighbours join as long as they fit; spans are those of their cues."""
    cues = [(n, n + 1, f"word {n} of it".encode()) for n in range(6)]
    spec = SegmentationSpec(text_chars=26)  # two of 12 characters and a space
    pieces = found(videos.subtitled(tmp_path / "a.mkv", [("srt", cues)]), spec)

    assert [p.span for p in pieces] == [Span(n, n + 2.0, "second") for n in (0.0, 2.0, 4.0)]
    assert pieces[0].text == "word 0 of it word 1 of it"


def test_another_charset_is_read(tmp_path):
    """A track that is not UTF-8 is decoded as a text file is."""
    cues = [(0, 1, "今天我们讨论中国的历史和文化".encode("gb18030"))]
    (piece,) = found(videos.subtitled(tmp_path / "a.mkv", [("srt", cues)]))

    assert piece.text == "今天我们讨论中国的历史和文化"


def test_the_cue_boxes_of_webvtt_in_mp4():
    """Each cue box holds a payload beside its settings; an empty box holds none."""

    def box(name, data):
        return (len(data) + 8).to_bytes(4, "big") + name + data

    one = box(b"vttc", box(b"sttg", b"line:0") + box(b"payl", b"Hello"))
    two = box(b"vttc", box(b"payl", b"you"))

    assert module._webvtt(one + two) == b"Hello\nyou"
    assert module._webvtt(box(b"vtte", b"")) == b""


def test_a_cue_without_a_length_ends_with_the_next(tmp_path):
    """Matroska may leave a cue's length out: it is shown until the next, the last for a while."""
    cues = [(0, 0, b"one"), (2, 2, b"two"), (60, 60, b"three")]
    pieces = found(videos.subtitled(tmp_path / "a.mkv", [("srt", cues)]))

    assert [(p.text, p.span.start, p.span.end) for p in pieces] == [
        ("one two", 0.0, 5.0),
        ("three", 60.0, 63.0),
    ]


@pytest.mark.parametrize("options", [{}, {"pictures": False}])
def test_a_video_without_subtitles_is_not_read(tmp_path, monkeypatch, options):
    """No track, no piece, and no packet looked at."""
    path = media.mp4(tmp_path / "a.mp4", 1.0, **options)
    monkeypatch.setattr(module, "packets", None)

    assert found(path) == []


def test_limits(tmp_path):
    """More text or more chunks than are allowed reject the tracks."""
    cues = [(20 * n, 20 * n + 1, b"a word") for n in range(10)]
    path = videos.subtitled(tmp_path / "a.mkv", [("srt", cues)])

    for limits, reason in (
        (LimitsSpec(max_text_bytes=20), "too-many-bytes"),
        (LimitsSpec(max_segments=9), "too-many-segments"),
    ):
        with pytest.raises(MediaError) as caught:
            found(path, limits=limits)
        assert caught.value.reason == reason


def test_an_unknown_charset_costs_its_track_only(tmp_path, monkeypatch):
    """One track that cannot be read is a damage of its source; the other is used."""
    read = module.charset.decode

    def decode(data):
        if b"Hello" in data:
            raise MediaError("text", "unknown-charset", "nothing fits")
        return read(data)

    monkeypatch.setattr(module.charset, "decode", decode)
    tracks = [("srt", PLAIN[:1]), ("srt", PLAIN[1:])]
    damage, piece = found(videos.subtitled(tmp_path / "a.mkv", tracks))

    assert isinstance(damage, Damage)
    assert (damage.source, damage.error.reason) == ("subtitle:0", "unknown-charset")
    assert piece.source == "subtitle:1"


def test_no_byte_of_timed_text_is_replaced(tmp_path):
    """Half of a pair of UTF-16 costs its track, and is said; the other track is used."""
    whole = "\ufeff你好".encode("utf-16-be")
    samples = [(len(text).to_bytes(2) + text) for text in (whole, whole + b"\xd8\x3d")]
    tracks = [("mov_text", [(0, 1, sample)]) for sample in samples]
    piece, damage = found(videos.subtitled(tmp_path / "a.mp4", tracks))

    assert (piece.source, piece.text) == ("subtitle:0", "你好")
    assert isinstance(damage, Damage)
    assert (damage.source, damage.error.stage) == ("subtitle:1", "text")
    assert damage.error.reason == "broken-text"


def test_a_broken_cue_costs_itself(tmp_path):
    """Cues are packets of their own: one that is no UTF-8 is a damage at its time."""
    cues = [(n, n + 1, f"第{n}只青蛙在唱歌".encode()) for n in range(20)]
    cues[7] = (7, 8, cues[7][2][:-1] + b"\xff")
    *pieces, damage = found(videos.subtitled(tmp_path / "a.mkv", [("srt", cues)]))
    text = " ".join(piece.text for piece in pieces)

    assert [n for n in range(20) if f"第{n}只青蛙" in text] == [*range(7), *range(8, 20)]
    assert isinstance(damage, Damage)
    assert (damage.source, damage.error.reason) == ("subtitle:0", "broken-text")
    assert damage.span == Span(7.0, 8.0, "second")


def test_a_broken_sample_of_timed_text_costs_itself(tmp_path):
    """Half of a pair of UTF-16 beside a cue that is whole."""
    broken = "\ufeff你好".encode("utf-16-be") + b"\xd8\x3d"
    cues = [(0, 1, videos.timed_text("A frog")), (1, 2, len(broken).to_bytes(2) + broken)]
    piece, damage = found(videos.subtitled(tmp_path / "a.mp4", [("mov_text", cues)]))

    assert piece.text == "A frog"
    assert (damage.error.reason, damage.span.start) == ("broken-text", 1.0)


def test_a_long_reference_costs_itself(tmp_path):
    """A number of 5,000 digits is no character; the other words are read."""
    cues = [(0, 1, b"Hello &#" + b"9" * 5000 + b";"), (1, 2, b"Bye")]
    (piece,) = found(videos.subtitled(tmp_path / "a.mkv", [("srt", cues)]))

    assert piece.text == "Hello \ufffd Bye"


def test_a_container_that_breaks_off(tmp_path, monkeypatch):
    """Cues before the break are used, the break is a damage of the track."""
    path = videos.subtitled(tmp_path / "a.mkv", [("srt", PLAIN)])
    whole = module.packets

    def breaking(container, streams):
        yield next(whole(container, streams))
        raise av.InvalidDataError(1, "broken")

    monkeypatch.setattr(module, "packets", breaking)
    piece, damage = found(path)

    assert piece.text == "Hello there"
    assert (damage.source, damage.error.reason) == ("subtitle:0", "decode-error")
