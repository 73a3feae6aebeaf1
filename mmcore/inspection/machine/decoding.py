"""Small real files of each kind, decoded as a run decodes them: in worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mmcore.errors import MissingExtraError
from mmcore.inspection.look import Inspected, Settings, inspected
from mmcore.inspection.machine.checked import Checked, Checks
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

FILES: Final = Path(__file__).with_name("files")
MEDIA: Final = ("picture", "sound", "text", "video")
PIXELS: Final = (64, 48)
WORD: Final = "狐狸"
_SECONDS: Final = 10.0  # that a decoder has for one of these


def decoders() -> Checks:
    """Each kind of file gives what it holds; one line for each medium."""
    paths = sorted(path for path in FILES.iterdir() if path.stem in MEDIA)
    try:
        all_found = list(_inspected(paths))
    except MissingExtraError as error:
        yield Checked("decoders", "warn", "decoders-extra", {"extra": error.extra})
        return
    wrong: dict[str, list[str]] = {}
    right: dict[str, list[str]] = {}
    for path, found in zip(paths, all_found, strict=True):
        why = _wrong(found)
        kind = path.suffix.removeprefix(".").upper()
        told = f"{kind} ({why})" if why else kind
        (wrong if why else right).setdefault(path.stem, []).append(told)
    for medium in sorted({*wrong, *right}):
        yield _told(medium, right.get(medium, []), wrong.get(medium, []))


def _inspected(paths: list[Path]) -> Iterator[Inspected]:
    limits = LimitsSpec.model_validate({}).model_copy(
        update={"stall_seconds": _SECONDS, "file_seconds": _SECONDS}
    )
    settings = Settings("embedded", SegmentationSpec(), limits, RuntimeSpec())
    return inspected([str(path) for path in paths], settings)


def _told(medium: str, right: list[str], wrong: list[str]) -> Checked:
    facts = {"medium": medium, "kinds": ", ".join(right), "wrong": "; ".join(wrong)}
    if wrong:
        return Checked("decoders", "fail", "decoders-wrong", facts)
    return Checked("decoders", "ok", f"decoders-{medium}", facts)


def _wrong(found: Inspected) -> str:
    """In one line what is not as it should be; empty: nothing."""
    refused = [found.refused] if found.refused else []
    refused += [one for reading in found.readings for one in reading.rejections]
    if refused:
        return f"{refused[0].stage}/{refused[0].reason}"
    if found.file is None:
        return "?"
    media = {reading.modality for reading in found.readings if reading.pieces}
    if not media >= _wanted(found.file.modality):
        return "no pieces"
    if found.file.modality is Modality.IMAGE and found.pixels != PIXELS:
        return f"{found.pixels} pixels"
    if found.file.modality is Modality.TEXT and WORD not in _text(found):
        return "other text"
    return ""


def _wanted(modality: Modality) -> set[Modality]:
    """A video has pictures and sound."""
    return {modality, Modality.AUDIO} if modality is Modality.VIDEO else {modality}


def _text(found: Inspected) -> str:
    return "".join(piece.text or "" for reading in found.readings for piece in reading.pieces)
