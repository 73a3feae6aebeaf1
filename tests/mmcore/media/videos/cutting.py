"""Frames of a video, cut by the limits of these tests."""

import numpy as np

from mmcore.media.videos.frames import frames, shown
from mmcore.specs import LimitsSpec, SegmentationSpec
from storage.schemas import Modality
from tests import media
from tests.made import videos

LIMITS, SPEC = LimitsSpec(), SegmentationSpec(video_interval=1.0)


def cut(path, spec=SPEC, limits=LIMITS, **options):
    """All frames of a file."""
    return list(frames(media.content(path, Modality.VIDEO), limits, spec, **options))


def found(path, spec=SPEC, limits=LIMITS, **options):
    """All frames and damages of a file."""
    return list(shown(media.content(path, Modality.VIDEO), limits, spec, **options))


def grey(image):
    """Mean level of the part of a test video that is not red."""
    return float(np.asarray(image)[:, image.width // 2 :].mean())


CONTAINERS = {
    "h264.mp4": {},
    "sound.mp4": {"sound": "aac"},
    "fragments.mp4": {"options": {"movflags": "frag_keyframe+empty_moov"}},
    "one-key.mp4": {"gop": 500},
    "av1.mp4": {"codec": "libsvtav1"},
    "h264.mov": {},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "mjpeg.mov": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "h264.mkv": {"sound": "libopus"},
    "streamed.mkv": {"container": "matroska", "options": {"live": "1"}},
    "vp9.webm": {"codec": "libvpx-vp9", "tuning": videos.VPX},
    "mpeg4.avi": {"codec": "mpeg4"},
    "b-frames.avi": {"codec": "mpeg4", "tuning": {"bf": "2"}},
    "mpeg1.mpg": {"codec": "mpeg1video", "fps": 25},
    "mpeg2.vob": {"codec": "mpeg2video", "fps": 25, "sound": "mp2"},
    "h264.ts": {"sound": "aac"},
    "mpeg2.ts": {"codec": "mpeg2video", "fps": 25},
    "h263.flv": {"codec": "flv"},
    "wmv2.wmv": {"codec": "wmv2", "container": "asf"},
    "vp8.ogv": {"codec": "libvpx", "container": "ogg", "tuning": videos.VPX},
    "late.mkv": {"start": 50},
    "late.mp4": {"start": 50},
    "late.ts": {"start": 500},
    "grey.mkv": {"codec": "ffv1", "pixels": "gray"},
    "rgb.mkv": {"codec": "ffv1", "pixels": "bgr0"},
    "deep.mkv": {"codec": "ffv1", "pixels": "yuv420p10le"},
    "full.mp4": {"pixels": "yuv444p"},
    "changing-rate.mkv": {"times": [5 * n * n for n in range(40)]},
    "changing-rate.mp4": {"times": [5 * n * n for n in range(40)]},
}
