from dataclasses import replace

import pyarrow as pa
import pytest

from mmcore.types import EncoderKey
from storage.schemas import Modality
from tasks.crawl import Found
from tasks.inputs import inputs_digest, seen_of
from tasks.plan import Plan
from tests.factories import files_table, item_files_table
from tests.quarantined import quarantined, refused

TEXT = EncoderKey(Modality.TEXT, "word", "f2", "word", 50, (Modality.TEXT,))
PLAN = Plan((TEXT,), ((),), (0,))
FOUND = Found((), (), (), (), files_table(["cat", "owl"]), item_files_table(["cat", "owl"]))


def test_equal_rows_are_equal_inputs_however_arrow_holds_them():
    """Chunks and metadata, which a later pyarrow may write otherwise, decide nothing."""
    rows = FOUND.file_rows
    chunked = pa.concat_tables([rows.slice(0, 1), rows.slice(1)])
    held = replace(FOUND, file_rows=chunked.replace_schema_metadata({"written": "later"}))

    assert inputs_digest(held, PLAN, {}) == inputs_digest(FOUND, PLAN, {})


def test_other_rows_fingerprints_or_specs_are_other_inputs():
    """Whatever decides a snapshot decides the hash."""
    fewer = replace(FOUND, item_file_rows=item_files_table(["cat"]))
    changed = replace(PLAN, encoders=(replace(TEXT, fingerprint="f3"),))
    found = [
        inputs_digest(FOUND, PLAN, {}),
        inputs_digest(fewer, PLAN, {}),
        inputs_digest(FOUND, changed, {}),
        inputs_digest(FOUND, PLAN, {"fit": {"min_pairs": 1}}),
    ]

    assert len(set(found)) == 4


@pytest.mark.parametrize(
    ("stage", "reason", "again"),
    [
        ("crawl", "unreadable", True),
        ("crawl", "vanished", True),
        ("read", "changed", True),
        ("crawl", "link-outside", False),
        ("crawl", "link-loop", False),
        ("crawl", "not-a-file", False),
        ("crawl", "unreadable-folder", False),
        ("image", "decode-error", False),
        ("sniff", "unsupported-type", False),
    ],
)
def test_only_what_a_walk_does_not_tell_is_tried_again(tmp_path, stage, reason, again):
    """A link or a pipe, which stays, does not make every run look at every file."""
    snapshot = quarantined(tmp_path, [refused("one", stage, reason)])

    assert seen_of(snapshot, "seen") == ("" if again else "seen")
