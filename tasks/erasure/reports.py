"""Reports of a lake without the erased: what told of them is written anew, or removed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from mmcore.evaluation.reporting.erasing import Gone, Shown, clean_files, without
from mmcore.evaluation.reporting.page import PAGE, page
from mmcore.evaluation.reporting.report import JSON, write_json
from mmcore.evaluation.scores import Report
from storage import history
from storage.erasure.scan import Scanner
from storage.erasure.traces import Traces
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import folders, is_local, opened, remove
from storage.places.reach import reach

log = logging.getLogger(__name__)


def clean_reports(lake: Layout, traces: Traces, words: Iterable[bytes]) -> int:
    """Take the erased out of every report; what cannot be told is removed.

    A page is written anew where the report told something of them, or where it showed them: it
    names the contents of its pictures and sounds. It has none from then on.
    """
    shown = Shown({*traces.paths, *traces.keys, *traces.contents}, traces.texts.values())
    gone = Gone(traces.contents, traces.items, shown)
    scanner = Scanner([*traces.patterns(), *words])
    count, base = 0, lake.root / "reports"
    for folder in folders(base, links=True):
        count += clean_files(folder, gone)
        told = _report(folder / JSON)
        if told is not None:
            left = without(told, gone)
            count += _rewritten(folder, told, left, scanner, lake)
        for name in reach(folder).files:
            if _found_in(folder / name, scanner):
                remove([folder / name])
                count += 1
    return count


def _rewritten(folder: Path, told: Report, left: Report, scanner: Scanner, lake: Layout) -> int:
    """Write page and JSON of a report anew, where they told of the erased; how many were."""
    count = 0
    shows = left != told or _found_in(folder / PAGE, scanner)
    if shows and not (folder / PAGE).is_dir():
        # the page first: by the JSON one sees that it is to be done
        _page_anew(folder / PAGE, left, lake)
        count += 1
    if left != told:
        write_json(left, folder)
        count += 1
    return count


def _page_anew(path: Path, report: Report, lake: Layout) -> None:
    """Write a page anew; one that cannot be made of such a report is removed."""
    try:
        text = page(report, history.read(lake))
    except Exception as error:  # noqa: BLE001 - a page is made for looks, and an erasure has to end
        log.warning("%s is removed, as it cannot be made anew: %s", path, type(error).__name__)
        remove([path])
        return
    write_bytes(path, text.encode())


def _found_in(path: Path, scanner: Scanner) -> bool:
    """Whether a file holds something of the erased; one that is not there holds nothing.

    What cannot be read is left to the proof, which names it.
    """
    try:
        with opened(path) as file:
            return bool(scanner.found_in_file(file)[0])
    except FileNotFoundError:
        return False
    except OSError:
        if not is_local(path):
            raise
        return False


def _report(path: Path) -> Report | None:
    try:
        return Report.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):  # none, or another version's: its bytes are searched
        return None
    except OSError:  # a folder, a link to itself: the proof names what it cannot read
        if not is_local(path):
            raise
        return None
