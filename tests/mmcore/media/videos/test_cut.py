"""Tests of mmcore/media/videos/cut.py."""

from mmcore.media.pieces import Damage
from mmcore.media.videos.cut import moving_pictures
from mmcore.specs import LimitsSpec, SegmentationSpec
from storage.schemas import Modality
from tests import media
from tests.made import videos


def test_frames_and_damages_are_pieces_in_order(tmp_path):
    """Each interval's frame is a piece named by the interval; what is missing comes last."""
    path = videos.video(tmp_path / "a.mkv", 60, size=(160, 120), paint=videos.textured)
    content = media.content(videos.shortened(path, 0.6), Modality.VIDEO)
    *pieces, damage = moving_pictures(
        content, SegmentationSpec(video_interval=1.5), LimitsSpec(), target=16
    )

    assert {(p.segmentation, p.source, p.kind) for p in pieces} == {("frame-1.5s", "self", None)}
    assert {p.decoded.size for p in pieces} == {(43, 32)}
    assert isinstance(damage, Damage)
    assert damage.span.start == pieces[-1].span.end
