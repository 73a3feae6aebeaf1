"""What garbage collection keeps and what it removes."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import models
from storage.candidates import write_candidate
from storage.cells import PartRecord, finished_contents, part_path, write_cells
from storage.maintenance.garbage import Collected, Retention, collect, survey
from storage.manifest import Evaluation, entry
from storage.publication import next_number, publish, roll_back
from storage.published import published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import write_part
from tests.factories import (
    FUSION,
    IMAGES,
    PROJECTION,
    WHEN,
    candidate,
    cells,
    content,
    files_table,
)
from tests.soundness import sound
from tests.storage.maintenance.collecting import DAY, ONE, clean, listing, make_lake, set_age


def seen(layout, number):
    """What a reader sees of a snapshot, all of it verified."""
    snapshot = Snapshot.open(layout, number)
    sound(snapshot)
    tables = ("files", "items", "item_files", "segments/image", "segments/text")
    vectors = [a for m in (Modality.IMAGE, Modality.TEXT) for a in snapshot.vectors(m)[1:]]
    hits = snapshot.index("fused").search(snapshot.fused()[1][:1], 1)[1]
    rows = [snapshot.rows(table).to_pylist() for table in tables]
    return rows, [v.tolist() for v in vectors], hits.tolist()


def unpublished_part(layout, key="new", encoder=IMAGES):
    """The finished part of a run that was killed before it published."""
    name = content(encoder, key)
    folder = layout.embeddings(encoder.modality, encoder.name, encoder.fingerprint)
    return write_cells(part_path(folder, key), cells([name], encoder.dim), PartRecord((name,)))


def projected_of(layout, part):
    """A projected part of the same name, with no rows."""
    path = layout.space(PROJECTION.space, Modality.IMAGE) / part.name
    return write_part(path, files_table([]))


def test_the_published_snapshot_and_its_last_parents_stay(lake):
    """Of four snapshots, two are kept; readers see the same rows of them as before."""
    before = {number: seen(lake, number) for number in (3, 4)}

    found = survey(lake, Retention(keep=2), WHEN)
    collected = collect(lake, found)

    assert (found.kept, found.gone) == ((3, 4), (1, 2))
    assert published(lake) == [3, 4]
    assert {number: seen(lake, number) for number in (3, 4)} == before
    assert collected == Collected.of(found.garbage)
    assert collected.files["snapshots"] == 4  # manifest.json and views.sql of two
    assert collected.files["reports"] == 2


def test_the_report_that_tells_a_snapshots_scores_stays(lake):
    """Scores that were carried over are told in the report of an older snapshot."""
    carried = Evaluation(status="measured", report=2)
    publish(lake, candidate(lake, ("fox",)).model_copy(update={"evaluation": carried}))

    clean(lake)

    assert sorted(folder.name for folder in (lake.root / "reports").iterdir()) == ["2"]
    assert published(lake) == [5]


def test_what_stays_of_a_lake_is_what_its_manifests_name(lake):
    """Once all is old, each file belongs to a snapshot that stays, and no folder is empty."""
    set_age(lake, 31 * DAY)

    clean(lake)

    named = {file.path for file in Snapshot.open(lake).manifest.files}
    rest = {name for name in listing(lake.root) if (lake.root / name).is_file()} - named
    assert rest == {
        "CURRENT",
        "reports/4/report.json",
        "snapshots/4/manifest.json",
        "snapshots/4/views.sql",
    }
    empty = [p for p in lake.root.rglob("*") if p.is_dir() and not any(p.iterdir())]
    assert [p for p in empty if p.parent != lake.root] == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(
    turns=st.lists(
        st.lists(st.sampled_from(["cat", "狗", "owl"]), min_size=1, unique=True),
        min_size=1,
        max_size=3,
        unique_by=len,
    ),
    keep=st.integers(1, 4),
    days=st.sampled_from([0, 2, 31]),
)
def test_every_kept_snapshot_is_whole(tmp_path_factory, turns, keep, days):
    """Whatever was published, kept and old: what stays verifies; a second pass finds nothing."""
    layout = make_lake(tmp_path_factory.mktemp("lake"), turns)
    set_age(layout, days * DAY)
    before = {n: seen(layout, n) for n in published(layout)[-keep:]}

    clean(layout, Retention(keep))

    assert {n: seen(layout, n) for n in published(layout)} == before
    assert survey(layout, Retention(keep), WHEN).garbage == ()


def test_a_killed_runs_finished_parts_stay(lake):
    """They are counted as finished by the next plan, for 30 days; then they go."""
    part = unpublished_part(lake)
    set_age(lake, 30 * DAY)

    clean(lake)
    assert "new-image" in finished_contents(part.parent, ["pillow 1"])

    set_age(lake, 30.1 * DAY)
    clean(lake)
    assert not part.exists()
    assert "fox-image" in finished_contents(part.parent, ["pillow 1"])


def test_an_encoder_that_is_not_in_use_is_no_garbage_before_it_is_old(lake):
    """A new model's cells, of a run that takes days, are as safe as any."""
    new = IMAGES.model_copy(update={"fingerprint": "dd44"})
    part = unpublished_part(lake, encoder=new)
    set_age(lake, 29 * DAY)
    clean(lake)
    assert part.exists()

    set_age(lake, 31 * DAY)
    clean(lake)
    assert not part.parent.exists()


def test_what_was_projected_goes_with_its_cells(lake):
    """A shard that is embedded again must not find its old projection, however young that is."""
    part = unpublished_part(lake)
    projected = projected_of(lake, part)
    set_age(lake, 31 * DAY, lake.relative(part))

    paths = [garbage.path for garbage in survey(lake, ONE, WHEN).garbage]

    order = [paths.index(lake.relative(path)) for path in (projected, part)]
    assert order == sorted(order)


def test_young_files_stay(lake):
    """What nothing names goes when it is older than a day: another process may be at it."""
    unnamed = [
        write_part(lake.root / "items" / "part-new.parquet", files_table([])),
        write_part(lake.fused(FUSION.space, "ee55") / "part-new.parquet", files_table([])),
        lake.index("image", "build") / "index.json",
        lake.report("9") / "report.json",
        lake.staging / "shard" / "arrays.bin",
    ]
    for path in unnamed[2:]:
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    set_age(lake, 0.9 * DAY)
    clean(lake)
    assert all(path.exists() for path in unnamed)

    set_age(lake, 1.1 * DAY)
    clean(lake)
    assert not any(path.exists() for path in unnamed)
    assert not lake.index("image", "build").exists()


def test_temporary_files_of_crashed_runs_go(lake):
    """Wherever they lie, also those of a model that never got its name; look-alikes stay."""
    name = f".{'0a' * 16}.tmp"
    crashed = [
        lake.root / name,
        lake.snapshot(4) / name,
        lake.rows("files") / name,
        lake.models("projection") / name / "config.json",
    ]
    other = [lake.root / ".notes.tmp", lake.rows("files") / "README.txt"]
    for path in (*crashed, *other):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    set_age(lake, 2 * DAY)

    assert clean(lake).files["temporary"] == len(crashed)
    assert not any(path.exists() for path in crashed)
    assert not crashed[-1].parent.exists()
    assert all(path.exists() for path in other)


def test_a_blocked_candidate_stays_whole(lake):
    """Its files, its report and its parent stay for 30 days, however many were published since."""
    blocked = candidate(lake, ["bat"]).model_copy(update={"parent": 2, "number": 9, "run": "b"})
    write_candidate(lake, blocked)
    lake.report("9").mkdir()
    (lake.report("9") / "report.json").write_text("{}")
    set_age(lake, 29 * DAY)

    found = survey(lake, ONE, WHEN)
    collect(lake, found)

    assert (found.candidates, found.kept) == (("b",), (2, 4))
    sound(Snapshot.of(lake, blocked))
    sound(Snapshot.open(lake, 2))
    assert (lake.report("9") / "report.json").exists()

    set_age(lake, 31 * DAY)
    assert clean(lake).files["candidates"] == 1
    assert not lake.candidate("b").exists()
    assert published(lake) == [4]


def test_snapshots_above_a_rollback_stay(lake):
    """What was rolled back from can be gone back to, and its number is not given again."""
    roll_back(lake, 2)

    clean(lake)

    assert published(lake) == [2, 3, 4]
    assert next_number(lake) == 5
    publish(lake, candidate(lake, ["bat"]))
    clean(lake, Retention(keep=2))
    assert published(lake) == [2, 5]


def test_the_highest_version_of_a_model_stays(lake):
    """Else the next one got its name, and so the vectors of another model's space."""
    for version in ("p2", "p9", "p10"):
        models.store_model(lake, "projection", version, {"card.md": b"", "config.json": b"{}"})
    set_age(lake, 31 * DAY)

    assert clean(lake).files["models"] == 6
    assert models.versions(lake, "projection") == ["p10"]


def test_a_model_that_was_not_promoted_stays_for_thirty_days(lake):
    """Whole, as long as its youngest file is not older; its report goes after it."""
    for version in ("p2", "p9", "p10"):
        models.store_model(lake, "projection", version, {"card.md": b"", "a.safetensors": b""})
    report = lake.training("p2") / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text("{}")
    set_age(lake, 31 * DAY)
    set_age(lake, 29 * DAY, "models/projection/p2/card.md")

    clean(lake)

    assert models.versions(lake, "projection") == ["p2", "p10"]
    assert len(models.files_of(lake.model("projection", "p2"))) == 2
    set_age(lake, 31 * DAY)
    clean(lake)
    assert models.versions(lake, "projection") == ["p10"]
    assert report.exists()
    clean(lake)
    assert not report.exists()


def test_the_report_of_a_fusion_without_a_model_stays(lake):
    """It goes after no model, and the next one of its name takes its place."""
    report = lake.training("weighted,text=2") / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text("{}")
    set_age(lake, 31 * DAY)

    clean(lake)

    assert report.exists()


def test_a_record_that_no_manifest_names_goes(lake):
    """An erasure writes another one beside it; what else lies in the folder stays."""
    named, other, weights = "config-0123456789abcdef.json", "config.json", "a.safetensors"
    files = {name: name.encode() for name in (named, other, weights)}
    folder = models.store_model(lake, "projection", "p1", files)
    told = entry(lake.root, folder / named, {})
    made = candidate(lake, ["bat"])
    publish(lake, made.model_copy(update={"files": [*made.files, told]}))
    set_age(lake, 31 * DAY)

    clean(lake)

    assert {path.name for path in folder.iterdir()} == {named, weights, models.HASHES}


def test_what_was_set_aside_goes_in_time(lake):
    """Also of an index or a model whose name is in use again; before a day it may be looked at."""
    manifest = Snapshot.open(lake).manifest
    aside = [
        lake.root / manifest.indexes[0].path / "index.faiss.damaged",
        lake.root / f"{manifest.paths('embeddings')[0]}.damaged",
        lake.root / f"{manifest.paths('items')[0]}.damaged",
        lake.snapshot(4) / "manifest.json.damaged",
    ]
    for path in aside:
        path.write_bytes(b"-")
    set_age(lake, DAY / 2, "**/*.damaged")
    clean(lake)
    assert all(path.exists() for path in aside)

    set_age(lake, 1.1 * DAY, "**/*.damaged")
    clean(lake)

    assert not any(path.exists() for path in aside)
    sound(Snapshot.open(lake))
