"""Fetch weights from a hub: one revision, the files that decide vectors, hashes checked.

By huggingface_hub, so that its variables work: HF_ENDPOINT for a mirror, HF_TOKEN for what needs
an account. No code of a repository is fetched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.weights.arriving import arriving, check_files, converted, finished, there
from mmcore.encoders.weights.cards import Card, read_card
from mmcore.encoders.weights.hub_files import chosen_files
from mmcore.encoders.weights.licences import licence_in
from mmcore.encoders.weights.wanted import Fetched, Wanted
from mmcore.errors import ConfigError, MissingExtraError, UnreachableError, UnsafeWeightsError

BRANCH: Final = "main"

USUAL: Final = "https://huggingface.co"

Choose = Callable[["Repository"], Sequence[str]]
"""Which of a repository's files are fetched."""

Finish = Callable[["Repository", Path, dict[str, str]], Mapping[str, str]]
"""Puts more into the folder, and its names and hashes, known or empty, into the mapping.

Says which other repositories that is from: id → revision.
"""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one revision. ``files``: name → sha256, empty where the hub tells none."""

    id: str
    revision: str
    licence: str
    files: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where it is looked at."""
        return f"{endpoint()}/{self.id}"


def fetch_hub(
    wanted: Wanted, choose: Choose | None = None, finish: Finish | None = None
) -> Fetched:
    """Bring a repository's files into ``wanted.target``; does nothing where they are there.

    Raises ConfigError for a repository or revision that is not there or not open to this account,
    or whose licence is not accepted; UnsafeWeightsError for a file with another hash than is
    pinned, or where there are only pickles; UnreachableError where the hub does not answer.
    """
    card = read_card(wanted.target)
    identity = wanted.id
    if there(wanted.target, card, identity, wanted.revision):
        return Fetched(wanted.preset, wanted.target, card, new=False)
    found = look(repository_of(wanted), wanted.revision)
    licence = wanted.allowed(found.licence)
    names = (choose or _usual(wanted))(found)
    files = {name: wanted.sha256.get(name) or found.files[name] for name in names}
    with arriving(wanted.target) as folder:
        download(found, names, folder)
        check_files(folder, files, found.url)
        was = converted(folder, files) if wanted.trusted else ""
        beside = finish(found, folder, files) if finish else {}
        card = finished(
            folder,
            files,
            Card(
                id=identity,
                preset=wanted.preset,
                licence=licence,
                revision=found.revision,
                source=found.url,
                converted=was,
                beside=dict(beside),
            ),
        )
    return Fetched(wanted.preset, wanted.target, card, new=True)


def _usual(wanted: Wanted) -> Choose:
    """Of transformers' layout."""
    return lambda found: chosen_files(found.files, wanted.sha256, found.id, trusted=wanted.trusted)


def repository_of(wanted: Wanted) -> str:
    """The hub's id; ConfigError for what is none."""
    if wanted.id.count("/") != 1:
        raise ConfigError(
            f"{wanted.preset}:{wanted.id}: name an id of the hub, OWNER/NAME, or a folder here"
        )
    return wanted.id


def endpoint() -> str:
    """The hub, or the mirror that $HF_ENDPOINT names."""
    return (os.environ.get("HF_ENDPOINT") or USUAL).rstrip("/")


def look(repository: str, revision: str = "") -> Repository:
    """What a repository holds at a revision, or now; fetches no file."""
    hub = _hub()
    with told(repository):
        api = hub.HfApi(endpoint=endpoint())
        found = api.model_info(repository, revision=revision or BRANCH, files_metadata=True)
    if revision and found.sha != revision:
        raise UnsafeWeightsError(repository, f"the hub gave revision {found.sha}, not {revision}")
    files = {one.rfilename: _hash_of(one) for one in found.siblings or ()}
    return Repository(repository, found.sha, _licence(found.card_data), files)


def download(found: Repository, names: Sequence[str], folder: Path) -> None:
    """Bring files of a repository into a folder; those that are whole there are kept."""
    hub = _hub()
    if not sys.stderr.isatty():
        hub.utils.disable_progress_bars()
    with told(found.id):
        hub.snapshot_download(
            found.id,
            revision=found.revision,
            allow_patterns=[_literal(name) for name in names],
            local_dir=folder,
            endpoint=endpoint(),
        )


def _hub() -> Any:
    """huggingface_hub; MissingExtraError where it is not installed."""
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError("`mmindex encoders fetch`", "hub")
    import huggingface_hub  # noqa: PLC0415 - an extra

    return huggingface_hub


def _hash_of(file: Any) -> str:
    """What the hub says of a large file; git's own hash of a small one is no sha256."""
    lfs = getattr(file, "lfs", None)
    return str(lfs.sha256) if lfs is not None else ""


def _licence(card: Any) -> str:
    """The licence of a model card."""
    return licence_in(card.to_dict() if card is not None else {})


def _literal(name: str) -> str:
    """A pattern that fits this name only."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


@contextmanager
def told(repository: str) -> Iterator[None]:
    """Errors of huggingface_hub inside, as ours: one line that says what to do."""
    errors: Any = import_module("huggingface_hub.errors")  # an extra
    where = f"{endpoint()}/{repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise ConfigError(
            f"{where}: its owner wants terms accepted on that page, by an account that"
            " `hf auth login` or $HF_TOKEN names"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ConfigError(f"{where}: has no such revision (is the mirror up to date?)") from error
    except errors.RepositoryNotFoundError as error:
        raise ConfigError(
            f"{where}: there is no such repository, or it is private: `hf auth login`"
        ) from error
    except (errors.HTTPError, errors.EntryNotFoundError, OSError) as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, ConnectionError):
            raise  # of this machine: a full disk, a folder that cannot be written to
        raise UnreachableError(unreachable(where, error)) from error


def unreachable(where: str, error: Exception) -> str:
    """What a person can do where a server does not answer."""
    why = " ".join(str(error).split())[:200]
    return (
        f"{where}: cannot be reached ({type(error).__name__}: {why}); the next call goes on where"
        " this one stopped. HF_ENDPOINT=https://… names a mirror; or copy the folder by hand from"
        " a machine that has it, and name it behind the preset's colon"
    )
