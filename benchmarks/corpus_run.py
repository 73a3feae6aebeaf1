"""A corpus of odd files through `mmindex index`: nothing is lost, and each reason is as expected.

    python -m benchmarks.corpus_run pillow --json pillow.json

Runs the command with its default settings but for the share of bad files, and compares what became
of each file with benchmarks/expectations/CORPUS.tsv, a table made by looking at the files (its
README says how). Of chardet's texts only the Chinese ones are indexed, and must hold what the
named encoding gives.
`--slowest` decodes each file once more, alone in this process, and tells the slowest ones.
Exits with 1 when anything is not as it should be.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpora import CORPORA, fetched
from benchmarks.indexed import LOST, Outcome, index, outcomes
from benchmarks.machine import describe
from mmcore.encoders.presets import encoders_of
from mmcore.errors import MediaError
from mmcore.media.crawl import crawl
from mmcore.media.segments import cut
from mmcore.specs import CrawlSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, Source
from storage.layout import Layout
from storage.schemas import content_id
from storage.snapshot import Snapshot

EXPECTATIONS = Path(__file__).parent / "expectations"
COLUMNS = ("path", "content_id", "expected", "note")
MOST_PSS = 1_500_000_000
HAN = re.compile("[\u4e00-\u9fff]")
CHINESE = {"Big5": "big5", "GB2312": "gb18030"}  # folders of chardet's texts → Python's name


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should become of a file, and why."""

    content_id: str
    expected: str
    note: str


def expectations(corpus: str) -> dict[str, Expectation]:
    """The committed table, by path; of a corpus without one, nothing."""
    path = EXPECTATIONS / f"{corpus}.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise SystemExit(f"{path}: columns {rows.fieldnames}, not {COLUMNS}")
        return {row.pop("path"): Expectation(**row) for row in rows}


def mismatches(
    wanted: Mapping[str, Expectation], found: Mapping[str, Outcome]
) -> Iterator[tuple[str, str, str]]:
    """Path, what was expected, what came of it; also of files that only one of both has."""
    for path in sorted({*wanted, *found}):
        expectation, outcome = wanted.get(path), found.get(path)
        if expectation is None or outcome is None:
            yield (
                path,
                expectation.expected if expectation else "-",
                (outcome.outcome if outcome else "no such file"),
            )
        elif expectation.content_id != outcome.content_id:
            yield path, expectation.content_id, f"another content: {outcome.content_id}"
        elif expectation.expected != outcome.outcome:
            yield path, expectation.expected, outcome.outcome


def twins(media: Path, folder: Path) -> dict[str, Path]:
    """Write each Chinese text as UTF-8 by the encoding that its folder names; path → its twin."""
    written: dict[str, Path] = {}
    for name, charset in CHINESE.items():
        for path in sorted((media / name).iterdir()):
            twin = folder / name / path.name
            twin.parent.mkdir(parents=True, exist_ok=True)
            twin.write_bytes(path.read_bytes().decode(charset).encode())
            written[path.relative_to(media).as_posix()] = twin
    return written


def misread(media: Path, lake: Path, written: Mapping[str, Path]) -> list[str]:
    """The texts whose stored chunks are not those of their twins, or hold nothing Chinese."""
    table = Snapshot.open(Layout(lake)).rows("segments/text")
    stored: dict[str, set[tuple[Any, ...]]] = {}
    columns = ("content_id", "source", "start", "end", "text")
    for content, *chunk in zip(*(table[column].to_pylist() for column in columns), strict=True):
        stored.setdefault(content, set()).add(tuple(chunk))
    wrong = []
    for name, twin in written.items():
        mine, other = (
            stored.get(content_id(path.read_bytes()), set()) for path in (media / name, twin)
        )
        if mine != other or not any(HAN.search(chunk[-1]) for chunk in mine):
            wrong.append(name)
    return wrong


def slowest(media: Path, most: int = 5) -> list[tuple[float, str]]:
    """Seconds and path of the files that take longest to decode, each alone in this process."""
    encoders = encoders_of("embedded", SegmentationSpec(), RuntimeSpec(device="cpu"))
    limits = LimitsSpec.model_validate({})
    took: list[tuple[float, str]] = []
    for file in crawl(Source("media", media.as_uri()), CrawlSpec(), limits, {}).files:
        content = Content(
            file.content_id,
            file.modality,
            file.media_type,
            file.size,
            file.root,
            file.path,
            str(media / file.path),
            mtime_ns=file.mtime_ns,
        )
        since = time.perf_counter()
        for encoder in encoders:
            if file.modality in encoder.key.reads:
                with suppress(MediaError):
                    deque(cut(content, encoder, SegmentationSpec(), limits), maxlen=0)
        took.append((round(time.perf_counter() - since, 2), file.path))
    return sorted(took, reverse=True)[:most]


def run(corpus: str, work: Path) -> dict[str, Any]:
    """Index the corpus; figures, and all that is not as it should be."""
    media, lake = fetched(corpus), work / "lake"
    written = twins(media, work / "twins") if corpus == "chardet" else {}
    only = [f"--include={name}/*" for name in CHINESE] if written else []
    done = index(media, lake, *([f"twins={work / 'twins'}"] if written else []), *only)
    if done.code:
        raise SystemExit(f"the run ended with {done.code}:\n{done.said[-3000:]}")
    found, wanted = outcomes(media, lake), expectations(corpus)
    if written:
        found = {path: one for path, one in found.items() if path in written}
    return {
        "machine": describe(),
        "corpus": corpus,
        "release": CORPORA[corpus].requirement,
        "files": len(found),
        **done.figures,
        "outcomes": dict(Counter(one.outcome for one in found.values()).most_common()),
        "lost": [path for path, one in found.items() if one.outcome == LOST],
        "expected": len(wanted),
        "mismatches": list(mismatches(wanted, found)) if wanted else [],
        "chinese": len(written),
        "misread": misread(media, lake, written),
        "outcome_of": {path: one.outcome for path, one in found.items()},
    }


def table(told: Mapping[str, Any]) -> str:
    """The figures, then each outcome with its files, then what is wrong."""
    equal = told["expected"] - len(told["mismatches"])
    as_expected = f"{equal} of {told['expected']}" if told["expected"] else "no table"
    right = told["chinese"] - len(told["misread"])
    lines = [
        f"{told['machine']}\n",
        "| corpus | files | exit | lost | as expected | wall s | CPU s | peak PSS MB |",
        "|---|---|---|---|---|---|---|---|",
        f"| {told['release']} | {told['files']} | {told['exit']} | {len(told['lost'])}"
        f" | {as_expected} | {told['wall_s']} | {told['cpu_s']} | {told['peak_pss_mb']} |",
        "\n| outcome | files |\n|---|---|",
        *(f"| {outcome} | {files} |" for outcome, files in told["outcomes"].items()),
    ]
    lines += [f"\nChinese texts read right: {right} of {told['chinese']}"] * bool(told["chinese"])
    lines += [f"misread: {path}" for path in told["misread"]]
    lines += [f"lost: {path}" for path in told["lost"]]
    lines += [f"{path}: expected {want}, found {got}" for path, want, got in told["mismatches"]]
    lines += [f"{seconds} s: {path}" for seconds, path in told.get("slowest", [])]
    return "\n".join(lines)


def main() -> None:
    """Run, print, write; exit with 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("--slowest", action="store_true", help="decode each file alone, timed")
    parser.add_argument("--json", type=Path, help="where the figures go, with all outcomes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        told = run(options.corpus, Path(work).resolve())
    if options.slowest:
        told["slowest"] = slowest(fetched(options.corpus))
    print(table(told))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    wrong = any(told[key] for key in ("lost", "mismatches", "misread"))
    sys.exit(1 if wrong or told["peak_pss_mb"] * 1e6 > MOST_PSS else 0)


if __name__ == "__main__":
    main()
