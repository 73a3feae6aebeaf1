"""A folder that appears whole or not at all, and a fetch that a second call goes on with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from mmcore.encoders.weights.cards import Card, CardFile, read_card, write_card
from mmcore.encoders.weights.convert import convert
from mmcore.encoders.weights.folder import MODEL, PICKLES
from mmcore.encoders.weights.hashes import remember, sha256_of
from mmcore.errors import ConfigError, UnreachableError, UnsafeWeightsError

PARTIAL: Final = ".partial"

_WORKING: Final = ".cache"  # what huggingface_hub keeps beside the files that it downloads


@contextmanager
def arriving(target: Path) -> Iterator[Path]:
    """A sibling folder to fill, renamed to ``target`` at the end of the block.

    After an error it stays, and the next call finds what it holds. ConfigError where another
    process is filling it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + PARTIAL)
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ConfigError(f"{target}: another process is fetching it") from error
    try:
        if target.exists():
            raise ConfigError(f"{target}: another process has fetched it in the meantime")
        partial.mkdir(exist_ok=True)
        yield partial
        partial.rename(target)
        if card := read_card(target):
            for name, file in card.files.items():
                remember(target / name, file.sha256)
    finally:
        if partial.is_dir() and not any(partial.iterdir()):
            partial.rmdir()  # nothing arrived
        lock.release()


def check_files(folder: Path, files: Mapping[str, str], source: str) -> None:
    """UnsafeWeightsError for a file whose sha256 is not the wanted one; it is removed.

    ``files``: name → hash, or its beginning, or nothing where none is known. UnreachableError
    where a file is missing.
    """
    for name, wanted in files.items():
        path = folder / name
        if not path.is_file():
            raise UnreachableError(f"{source}: {name} did not arrive; the next call goes on")
        found = sha256_of(path) if wanted else ""
        if not found.startswith(wanted):
            path.unlink()
            raise UnsafeWeightsError(f"{source}/{name}", f"sha256 is {found}, not {wanted}")


def finished(folder: Path, files: Mapping[str, str], card: Card) -> Card:
    """Leave only ``files`` in the folder, and write the card with their sizes and hashes."""
    shutil.rmtree(folder / _WORKING, ignore_errors=True)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in files:
            path.unlink()  # of an earlier fetch of another revision
    told = {
        name: CardFile(bytes=(folder / name).stat().st_size, sha256=sha256_of(folder / name))
        for name in sorted(files)
    }
    now = datetime.now(UTC).isoformat(timespec="seconds")
    whole = card.model_copy(update={"files": told, "fetched_at": now})
    write_card(folder, whole)
    return whole


def there(target: Path, card: Card | None, identity: str, revision: str) -> bool:
    """Whether the target holds these weights already.

    ConfigError where it holds others: nothing is overwritten.
    """
    if not target.exists():
        return False
    if card is None:
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
            return False
        return True  # copied by hand: what loads it says whether it can be used
    if card.id != identity or (revision and card.revision != revision):
        raise ConfigError(
            f"{target}: holds {card.id} at {card.revision or 'no revision'}, not {identity} at"
            f" {revision}: move it away, or name another folder with --to"
        )
    return True


def converted(folder: Path, files: dict[str, str]) -> str:
    """Make safetensors of the pickles among ``files``; what they were, for the card.

    The pickles go. ``files`` has the new names afterwards.
    """
    said = []
    for name in [one for one in files if one.endswith(PICKLES)]:
        made = convert(folder / name, folder / MODEL, force=True)
        said.append(f"{name} {made.sha256}")
        (folder / name).unlink()
        del files[name]
        files[MODEL] = ""
    return ", ".join(said)
