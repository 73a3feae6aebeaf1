"""List a root that lies in a store: one recursive listing, then the rules of every root."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmcore.media import remote
from mmcore.media.listing import LAKE, Entry, Rules
from mmcore.media.urls import below


def remote_entries(url: str, rules: Rules, without: str | None) -> Iterator[Entry]:
    """Entries below a root's URL that are neither junk nor left out; a store has no links.

    ``without``: the URL of the lake, which is no medium though it may lie below the root.
    """
    objects = remote.listed(url)
    folders = _Folders(rules, _lakes(objects))
    if without is not None and (lake := below(without, url)) is not None:
        folders.known[lake] = False
    for path, told in objects.items():
        folder, _, name = path.rpartition("/")
        if rules.left_out(name, path) or not rules.wanted(name, path) or not folders.open(folder):
            continue
        mtime_ns, sure = remote.stamp(told)
        manifest = rules.is_manifest(name, f"{url}/{path}")
        yield Entry(path, int(told["size"]), mtime_ns, manifest, sure)


class _Folders:
    """Which folders are entered: each is judged once, by its own name and by those above it."""

    def __init__(self, rules: Rules, lakes: Iterable[str]) -> None:
        self.rules = rules
        self.known = {"": True} | dict.fromkeys(lakes, False)

    def open(self, folder: str) -> bool:
        """Whether what lies in ``folder`` is looked at."""
        known = self.known.get(folder)
        if known is None:
            above, _, name = folder.rpartition("/")
            known = not self.rules.left_out(name, folder) and self.open(above)
            self.known[folder] = known
        return known


def _lakes(paths: Iterable[str]) -> set[str]:
    """Folders that hold a lake."""
    pointer, snapshots = sorted(LAKE)
    pointed, kept = set(), set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name == pointer:
            pointed.add(folder)
        above, found, _ = f"/{path}".rpartition(f"/{snapshots}/")
        if found:
            kept.add(above.removeprefix("/"))
    return pointed & kept
