"""Libraries with compiled code: each is loaded, and does a little of what a run asks of it."""

# ruff: noqa: PLC0415 (a library that does not load is what is looked for)
from __future__ import annotations

import io
from typing import Final

from mmcore.inspection.machine.checked import Checked, Checks

_CODECS: Final = ("h264", "hevc", "vp9", "av1", "mpeg4", "aac", "mp3", "opus", "vorbis", "flac")
_SENTENCE: Final = "我来到北京清华大学"
_WORD: Final = "清华大学"
_ROWS: Final = 16


def faiss() -> Checks:
    """A small exact search finds each vector itself."""
    import faiss as library
    import numpy as np

    vectors = np.eye(_ROWS, dtype=np.float32)
    index = library.IndexIDMap2(library.IndexFlatIP(_ROWS))
    index.add_with_ids(vectors, np.arange(_ROWS, dtype=np.int64))
    _, ids = index.search(vectors, 1)
    facts = {
        "version": library.__version__,
        "options": library.get_compile_options().strip() or "–",
        "threads": library.omp_get_max_threads(),
    }
    if (ids[:, 0] == np.arange(_ROWS)).all():
        yield Checked("faiss", "ok", "faiss", facts)
    else:
        yield Checked("faiss", "fail", "faiss-wrong", facts)


def pyarrow() -> Checks:
    """A Parquet file of vectors reads back as it was written."""
    import pyarrow as library
    from pyarrow import parquet

    kind = library.list_(library.float32(), 4)
    table = library.table({"box": library.array([[0, 1, 2, 3], None], kind)})
    file = io.BytesIO()
    parquet.write_table(table, file, use_dictionary=False)
    same = parquet.read_table(io.BytesIO(file.getvalue())).equals(table)
    facts = {"version": library.__version__}
    if same:
        yield Checked("pyarrow", "ok", "pyarrow", facts)
    else:
        yield Checked("pyarrow", "fail", "pyarrow-wrong", facts)


def ffmpeg() -> Checks:
    """The FFmpeg inside PyAV, and the codecs that are common in videos and sounds."""
    import av

    library = av.library_versions.get("libavcodec", ())
    facts = {"version": av.__version__, "libavcodec": ".".join(map(str, library))}
    missing = [name for name in _CODECS if name not in av.codecs_available]
    if missing:
        yield Checked("ffmpeg", "warn", "ffmpeg-codecs", {**facts, "missing": ", ".join(missing)})
    else:
        yield Checked("ffmpeg", "ok", "ffmpeg", {**facts, "count": len(_CODECS)})


def jieba() -> Checks:
    """Chinese is cut into words, as search by words needs it."""
    from importlib.metadata import version

    from mmcore.media.texts.tagging import tagged

    words = [word.word for word in tagged(_SENTENCE)]
    facts = {"version": version("jieba"), "words": " ".join(words)}
    if _WORD in words:
        yield Checked("jieba", "ok", "jieba", facts)
    else:
        yield Checked("jieba", "fail", "jieba-wrong", facts)
