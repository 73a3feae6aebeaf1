import json
import re
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from flows import cli
from flows.terminal.tables import MOST
from storage import history
from storage.candidates import block, write_candidate
from storage.erasure.orders import Order, write_order
from storage.locks import writer_lock
from storage.manifest import Evaluation
from storage.publication import publish
from storage.published import current
from storage.tables import read_parts
from tests.commands import command_line
from tests.factories import candidate, small_lake

GROUP = typer.main.get_command(cli.app).commands["snapshots"].commands
PAGE = (Path(__file__).parents[4] / "docs" / "commands.md").read_text("utf-8")


@pytest.fixture
def lake(tmp_path):
    """A lake of two snapshots: cat, 狗, owl and then cat, fox; the second one serves."""
    layout = small_lake(tmp_path / "湖").layout
    scores = Evaluation(status="measured", scores={"a→b": {"RR": 0.5}, "b→a": {"RR": 1.0}})
    second = candidate(layout, ("cat", "fox")).model_copy(update={"evaluation": scores})
    publish(layout, second)
    return layout


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …` in this process: exit code, standard output, standard error."""
    return command_line(monkeypatch, capsys)


def test_a_snapshot_has_the_time_of_its_run(run, lake):
    """A training looks at no file, and keeps the time of that; it was made later all the same."""
    made = candidate(lake, ("cat",)).model_copy(update={"run": "20300102T030405.000006-train"})
    publish(lake, made)

    lines = json.loads(run("snapshots", "list", "--lake", lake.root, "--json")[1])
    told = json.loads(run("status", "--lake", lake.root, "--json")[1])

    assert lines[-1]["created_at"] == told["created_at"] == "2030-01-02T03:04:05+00:00"
    assert lines[0]["created_at"] == made.created_at.isoformat()
    assert "2030-01-02 03:04" in run("snapshots", "list", "--lake", lake.root)[1]


def test_blocked_candidates_are_listed_with_their_reason(run, lake):
    """Who asks what there is also sees what was not published, and why."""
    refused = candidate(lake, ("cat",)).model_copy(update={"run": "night", "number": 3})
    write_candidate(lake, refused)
    block(lake, "night", "it could not be scored")

    code, out, _ = run("snapshots", "list", "--lake", lake.root, "--json")
    told = json.loads(out)[-1]

    assert code == 0
    assert (told["snapshot"], told["run"], told["serves"]) == (3, "night", False)
    assert told["blocked"] == "it could not be scored"
    assert (
        "candidate night: it could not be scored"
        in run("snapshots", "list", "--lake", lake.root)[1]
    )


@pytest.mark.parametrize("command", [["verify", "1"], ["rollback", "1"]])
def test_an_erasure_that_was_interrupted_is_told(run, lake, command):
    """Who verifies or rolls back learns that it waits, and what ends it; else nothing is said."""
    quiet = run("snapshots", *command, "--lake", lake.root)
    write_order(lake, Order(items=frozenset({1})))
    told = run("snapshots", *command, "--lake", lake.root)
    _, text, _ = run("snapshots", *command, "--lake", lake.root, "--json")

    assert (quiet[0], quiet[2], told[0]) == (0, "", 0)
    assert "an erasure was interrupted" in told[2]
    assert "`mmindex maintain`, `index` or the next `forget` ends it" in told[2]
    assert json.loads(text)["erasure_interrupted"] is True


@pytest.mark.parametrize("name", sorted(GROUP))
def test_every_command_of_the_group_is_documented(name):
    """docs/commands.md names the command and each of its options, and it has help."""
    options = [o for p in GROUP[name].params for o in p.opts if o.startswith("-")]
    answer = CliRunner().invoke(cli.app, ["snapshots", name, "--help"])

    assert answer.exit_code == 0
    assert f"mmindex snapshots {name}" in PAGE
    assert {"--lake", "--json"} <= set(options)
    assert [o for o in options if not re.search(rf"{o}(?![\w-])", PAGE)] == []


@pytest.mark.parametrize(
    "arguments", [["list"], ["diff"], ["verify"], ["verify", "7"], ["rollback", "1"]]
)
def test_where_there_is_no_lake_one_line_says_so(run, tmp_path, arguments):
    """A missing lake is exit code 2, one line, and no folder is made."""
    code, out, err = run("snapshots", *arguments, "--lake", tmp_path / "nowhere")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert not (tmp_path / "nowhere").exists()


def test_the_list_says_which_snapshot_serves(run, lake):
    """Each kept snapshot is a row with items, score and size; the star is at CURRENT."""
    code, text, _ = run("snapshots", "list", "--lake", lake.root, "--json")
    first, second = json.loads(text)
    _, out, _ = run("snapshots", "list", "--lake", lake.root)

    assert code == 0
    assert (first["snapshot"], first["serves"], first["items"], first["score"]) == (
        1,
        False,
        3,
        None,
    )
    assert (second["serves"], second["parent"], second["score"]) == (True, 1, 0.75)
    assert [line.split()[:2] for line in out.splitlines()[1:]][1] == ["*", "2"]
    assert "measured" in out


def test_the_list_names_a_snapshot_that_cannot_be_read(run, lake):
    """A damaged manifest hides neither itself nor the other snapshots."""
    (lake.snapshot(1) / "manifest.json").write_text("{", "utf-8")

    code, text, _ = run("snapshots", "list", "--lake", lake.root, "--json")
    _, out, _ = run("snapshots", "list", "--lake", lake.root)

    assert code == 0
    assert "is no JSON" in json.loads(text)[0]["error"]
    assert json.loads(text)[1]["serves"]
    assert "cannot be read" in out


def test_diff_is_from_the_parent_to_the_one_that_serves(run, lake):
    """Without numbers the last change is told: counts first, then names."""
    code, text, _ = run("snapshots", "diff", "--lake", lake.root, "--json")
    said = json.loads(text)
    _, out, _ = run("snapshots", "diff", "--lake", lake.root)

    assert code == 0
    assert (said["before"], said["after"]) == (1, 2)
    assert said["items"]["added"] == ["media/fox"]
    assert said["segments"] == {"image": [1, 2], "text": [1, 2]}
    assert said["scores"]["b→a"] == {"RR": [None, 1.0]}
    assert out.index("segments (image)") < out.index("– → 0.500") < out.index("media/fox")


def test_diff_takes_any_two_snapshots(run, lake):
    """The order of the numbers is the direction."""
    _, text, _ = run("snapshots", "diff", 2, 1, "--lake", lake.root, "--json")

    assert json.loads(text)["items"]["gone"] == ["media/fox"]


def test_diff_shows_some_names_and_counts_the_rest(run, tmp_path):
    """Of many names a terminal shows the first; --json has all."""
    layout = small_lake(tmp_path, ()).layout
    publish(layout, candidate(layout, [f"k{n:02}" for n in range(MOST + 3)]))

    _, out, _ = run("snapshots", "diff", "--lake", tmp_path)
    _, text, _ = run("snapshots", "diff", "--lake", tmp_path, "--json")

    assert "media/k19\n" in out
    assert "media/k20\n" not in out
    assert "and 3 more" in out
    assert len(json.loads(text)["items"]["added"]) == MOST + 3


@pytest.mark.parametrize(("arguments", "says"), [(["1"], "no parent"), ([], "no parent")])
def test_the_first_snapshot_has_nothing_to_compare_with(run, tmp_path, arguments, says):
    """Where there is no parent, two numbers have to be named; one is compared with CURRENT."""
    root = small_lake(tmp_path).layout.root

    code, out, err = run("snapshots", "diff", *arguments, "--lake", root)

    assert (code, says in err) == ((2, True) if not arguments else (0, False))
    assert bool(out) == bool(arguments)


def test_a_sound_snapshot_is_one_line(run, lake):
    """Verifying says number, files and bytes, of CURRENT or of the number that is named."""
    code, out, _ = run("snapshots", "verify", "--lake", lake.root)
    _, text, _ = run("snapshots", "verify", 1, "--lake", lake.root, "--json")

    assert code == 0
    assert re.fullmatch(r"snapshot 2: sound, 20 files, [\d,]+ bytes checked\n", out)
    assert (json.loads(text)["number"], json.loads(text)["findings"]) == (1, [])


def test_findings_are_listed_and_end_with_7(run, lake):
    """Every damaged file is a line on standard output; the error is one line beside it."""
    paths = sorted(
        path.relative_to(lake.root).as_posix() for path in lake.rows("fused").glob("*/*")
    )
    for path in paths:
        (lake.root / path).write_bytes(b"x")

    code, out, err = run("snapshots", "verify", "--lake", lake.root)
    _, text, _ = run("snapshots", "verify", "--lake", lake.root, "--json")

    named = [finding["path"] for finding in json.loads(text)["findings"]]
    assert code == 7
    assert err.count("\n") == 1
    assert "rollback" in err
    assert [path for path in paths if path in named]
    assert all(path in out for path in named)


def test_rolling_back_moves_the_pointer_and_says_from_where(run, lake):
    """The named snapshot serves, the other one is kept."""
    code, out, _ = run("snapshots", "rollback", 1, "--lake", lake.root)
    assert (code, current(lake)) == (0, 1)
    assert out.startswith("snapshot 1 serves now; before, snapshot 2 did\n")

    assert "makes the same again" in " ".join(out.split())
    entry = history.read(lake)[-1]
    assert (entry.trigger, entry.snapshot, entry.baseline) == ("rollback", 2, 1)
    _, text, _ = run("snapshots", "rollback", 2, "--lake", lake.root, "--json")
    assert json.loads(text) == {
        "lake": str(lake.root),
        "before": 1,
        "snapshot": 2,
        "erasure_interrupted": False,
    }


def test_going_forward_again_warns_of_nothing(run, lake):
    """What the next run makes is what serves then; a snapshot that serves already is said to."""
    run("snapshots", "rollback", 1, "--lake", lake.root)

    _, again, _ = run("snapshots", "rollback", 1, "--lake", lake.root)
    _, forward, _ = run("snapshots", "rollback", 2, "--lake", lake.root)

    assert again == "snapshot 1 serves already\n"
    assert forward == "snapshot 2 serves now; before, snapshot 1 did\n"


def test_rolling_back_mends_a_damaged_pointer(run, lake):
    """Where CURRENT is damaged, naming a snapshot is the way out."""
    lake.current.write_text("?", "utf-8")

    code, out, _ = run("snapshots", "rollback", 1, "--lake", lake.root)

    assert (code, current(lake)) == (0, 1)
    assert "no snapshot that can be named" in out


def test_a_snapshot_that_lost_a_file_does_not_serve_again(run, lake):
    """A roll back to what cannot be opened is refused; the old snapshot serves on."""
    gone = json.loads((lake.snapshot(1) / "manifest.json").read_text("utf-8"))["files"]
    (lake.root / next(f["path"] for f in gone if f["path"].startswith("items/"))).unlink()

    code, out, err = run("snapshots", "rollback", 1, "--lake", lake.root)

    assert (code, out, err.count("\n")) == (7, "", 1)
    assert current(lake) == 2


@pytest.mark.parametrize(("number", "code"), [(9, 2), (1, 6)])
def test_a_roll_back_that_cannot_be_is_an_error(run, lake, number, code):
    """A number that is not kept is 2; while another process writes it is 6."""
    with writer_lock(lake):
        ended, out, err = run("snapshots", "rollback", number, "--lake", lake.root)

    assert (ended, out, err.count("\n")) == (code, "", 1)
    assert current(lake) == 2


def test_files_are_those_of_the_published_snapshot(run, lake):
    """Each line is table, rows and a path that can be read; no file of another snapshot."""
    code, out, _ = run("files", "--lake", lake.root)
    _, text, _ = run("files", "--lake", lake.root, "--json")

    lines = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert [[p["table"], str(p["rows"]), p["path"]] for p in json.loads(text)] == lines
    (items,) = [path for table, _, path in lines if table == "items"]
    assert read_parts([Path(items)])["key"].to_pylist() == ["cat", "fox"]
    assert all(int(rows) == read_parts([Path(path)]).num_rows for _, rows, path in lines)


def test_files_of_one_medium_are_its_segments_and_vectors(run, lake):
    """`--modality` leaves segments, cells and shared vectors of that medium."""
    _, text, _ = run("files", "--lake", lake.root, "--modality", "image", "--json")

    tables = {part["table"] for part in json.loads(text)}
    assert tables == {"segments/image", "embeddings/image/pictures-aa11", "spaces/words-p1/image"}
