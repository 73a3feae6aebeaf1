"""What on the pages is not run by the tests of the pages, and why; each row is used."""

from __future__ import annotations

UNTIL_STOPPED = "it runs until it is stopped: tests/flows has tests of it"
WEIGHTS = "its weights are not here: tests/flows/test_presets.py runs presets on made ones"
LEARNING = "learning takes minutes: tests/flows/training runs it"
STORE = "it needs a store: tests/flows/test_remote_index.py has one"
GROWN = "it names snapshots of a grown lake: tests/flows/commands/snapshots has one"

COMMANDS = (  # a pattern of the whole command, why it is parsed only
    (r"^mmindex (serve|up|watch)\b", UNTIL_STOPPED),
    (r"^mmindex encoders fetch\b", "it needs a network: tests/mmcore/encoders has a hub"),
    (r"^mmindex encoders$", "its presets are replaced here: tests/flows/commands/encoders"),
    (r"^mmindex encoders train\b", LEARNING),
    (r"^mmindex .*--preset (siglip2|towers|my-|colour)", WEIGHTS),
    (r"^mmindex .*--weights", WEIGHTS),
    (r"^mmindex (train|models)\b", LEARNING),
    (r"^mmindex .*(s3|gs)://", STORE),
    (r"^mmindex (compare|evaluate --against|snapshots rollback)\b", GROWN),
    (r"^mmindex doctor\b", "it looks at the machine: tests/flows/commands/doctor runs it"),
    (r"^mmindex inspect\b", "it decodes in a process: tests/flows/commands/inspect runs it"),
    (r"^mmindex search .*--open\b", "it opens a window: tests/flows/commands/search runs it"),
    (r"^mmindex queries add trec\b", "tests/flows/commands/queries runs it with TREC's files"),
)
PROGRAMS = {  # neither ours nor Prefect's, Dask's: nothing of ours is in it
    ".": "the shell's",
    "cd": "the shell's",
    "awk": "a filter of lines",
    "duckdb": "DuckDB's own command line, which its Python package has not",
    "curl": "tests/mmcore/search/http asks these routes",
    "kubectl": "it needs a cluster; the files it names are there",
    ".schemathesis/bin/pip": "an environment of its own",
    ".schemathesis/bin/schemathesis": "an environment of its own",
}
PYTHON = (  # page, a pattern of the block, why it is not run; its imports are
    (r"docs/encoders\.md", r"train_retrieval_model", LEARNING),
    (r"docs/training\.md", r"train_fusion\(", LEARNING),
    (r"docs/scale(\.zh)?\.md", r"shards\.train", "tests/storage/indexes/sharding runs it"),
)
