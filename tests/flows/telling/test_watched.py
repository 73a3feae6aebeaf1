"""What runs show of themselves: lines of JSON, metrics, and pages."""

import json
import logging

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.utilities.callables import parameter_schema

from flows.config.index import IndexConfig, IndexResult
from flows.orchestration.run import Run
from flows.telling import json_lines, metrics
from flows.telling.clock import Clock
from flows.telling.watched import told_without_flow, watched
from mmcore.errors import SourceError
from tests.factories import small_lake

log = logging.getLogger("mmcore.anything")


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """Read what was logged as JSON."""
    path = tmp_path / "log.jsonl"
    monkeypatch.setenv(json_lines.VARIABLE, str(path))
    return lambda: [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def told(tmp_path, **options):
    """A config of a lake that is not there yet."""
    return IndexConfig(media=("media",), lake=str(tmp_path / "湖"), **options)


@watched("index-media")
def indexing(config: IndexConfig) -> IndexResult:
    """A run of one stage."""
    clock = Clock()
    with clock.stage("embed text", 2, "files") as note:
        log.info("looking at %s", "something")
        clock.advance("embed text", 2)
        note.append("2 segments")
    if config.drop:
        raise SourceError("the root photos is empty")
    files = {"text": 2}
    return IndexResult(status="published", lake=config.lake, snapshot=1, files=files)


def test_a_run_is_lines_of_json(tmp_path, lines):
    """Each with flow and lake; stages are events with numbers, and not said in words too."""
    indexing(told(tmp_path))
    log.info("not of the run")

    found = lines()
    assert [line.get("event") for line in found] == [
        "run-began", "stage-began", None, "stage-ended", "run-ended",
    ]  # fmt: skip
    assert all(line["flow"] == "index-media" for line in found)
    assert all(line["lake"] == str(tmp_path / "湖") for line in found)
    assert (found[2]["message"], found[2]["logger"]) == ("looking at something", log.name)
    stage, ended = found[3:]
    assert (stage["stage"], stage["done"], stage["total"]) == ("embed text", 2, 2)
    assert (stage["note"], stage["failed"], stage["level"]) == ("2 segments", False, "info")
    assert (ended["exit_code"], ended["snapshot"], ended["files"]) == (0, 1, {"text": 2})


def test_a_failed_run_ends_with_its_error(tmp_path, lines):
    """Its kind, its words and its exit code; the error is raised as it is."""
    with pytest.raises(SourceError):
        indexing(told(tmp_path, drop=("photos",)))

    last = lines()[-1]
    assert (last["event"], last["level"], last["exit_code"]) == ("run-ended", "error", 5)
    assert (last["error"], last["why"]) == ("SourceError", "the root photos is empty")


def test_a_private_run_tells_no_place_and_no_words(tmp_path, lines):
    """Of its failure the kind alone."""
    with pytest.raises(SourceError):
        indexing(told(tmp_path, private=True, drop=("photos",)))

    text = json.dumps(lines(), ensure_ascii=False)
    assert str(tmp_path) not in text
    assert "photos" not in text
    assert "mmindex.lake." in text


def test_a_line_is_appended_to_a_file_that_was_rotated(tmp_path, lines):
    """Each run adds to what is there; a moved file is begun anew."""
    indexing(told(tmp_path))
    indexing(told(tmp_path))
    assert len(lines()) == 10

    (tmp_path / "log.jsonl").rename(tmp_path / "log.jsonl.1")
    indexing(told(tmp_path))
    assert len(lines()) == 5


def test_a_file_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch, caplog):
    """The run goes on."""
    monkeypatch.setenv(json_lines.VARIABLE, str(tmp_path / "nowhere" / "log"))

    assert indexing(told(tmp_path)).snapshot == 1
    assert "no lines are written" in caplog.text


def test_lines_go_to_the_standard_error(tmp_path, monkeypatch, capsys):
    """As a container's log wants them; what a traceback would quote is left out."""
    monkeypatch.setenv(json_lines.VARIABLE, "-")
    with json_lines.written(Run.of("index-media", told(tmp_path))):
        log.warning("it failed", exc_info=OSError("a name"))

    (line,) = capsys.readouterr().err.splitlines()
    assert (json.loads(line)["error"], "a name" in line) == ("OSError", False)
    assert json_lines.on_stderr()


def test_what_prefect_says_of_tasks_is_there_from_warnings_on(tmp_path, lines):
    """That a task is tried again; not that each one ended well."""
    with json_lines.written(Run.of("index-media", told(tmp_path))):
        logging.getLogger("prefect.task_runs").info("Finished in state Completed()")
        logging.getLogger("prefect.task_runs").warning("will retry")

    assert [line["message"] for line in lines()] == ["will retry"]


def test_that_nothing_was_to_do_is_told_too(tmp_path, lines, monkeypatch):
    """A command finds it before any flow runs: the time of the last success moves on."""
    monkeypatch.setenv(metrics.VARIABLE, str(tmp_path))
    result = IndexResult(status="unchanged", lake="lake", snapshot=4, seconds={"walk": 0.5})

    told_without_flow("index-media", told(tmp_path), result)

    assert [line["event"] for line in lines()] == ["run-ended"]
    assert "run_success_timestamp" in "".join(p.read_text() for p in tmp_path.glob("*.prom"))


def test_a_dry_run_is_no_success(tmp_path, monkeypatch):
    """It leaves no metrics."""
    monkeypatch.setenv(metrics.VARIABLE, str(tmp_path))
    planned = IndexResult(status="planned", lake="lake")

    told_without_flow("index-media", told(tmp_path), planned)

    assert list(tmp_path.glob("*.prom")) == []


def test_a_lake_that_cannot_be_read_counts_as_private(tmp_path):
    """What is not known to be open is not told."""
    small_lake(tmp_path / "湖")
    assert not Run.of("maintain", told(tmp_path)).private

    (tmp_path / "湖" / "CURRENT").write_text("nothing")
    assert Run.of("maintain", told(tmp_path)).private


def test_a_flow_keeps_its_form():
    """Prefect finds the parameters, and their bounds, below what shows the runs."""
    from flows.evaluate_retrieval import evaluate_retrieval
    from flows.index_media import index_media
    from flows.maintain import maintain
    from flows.promote_models import promote_models
    from flows.train_fusion import train_fusion

    for one in (index_media, evaluate_retrieval, train_fusion, promote_models, maintain):
        schema = parameter_schema(one.fn)
        assert schema.required == ["config"]
        assert "$ref" in json.dumps(schema.properties["config"])
        assert "lake" in json.dumps(schema.definitions)


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("drop", [(), ("photos",)])
def test_a_flow_run_has_a_page_when_it_ends(tmp_path, drop):
    """Well or not."""
    state = flow(indexing, name="index-media")(told(tmp_path, drop=drop), return_state=True)

    run = str(state.state_details.flow_run_id)
    asked = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    with get_client(sync_client=True) as client:
        answer = client.request("POST", "/artifacts/filter", json=asked).json()
    found = {one["key"]: one for one in answer if one["key"]}  # Prefect keeps results too
    assert set(found) == {"index-media-embed-text", "index-media-summary"}
    page = found["index-media-summary"]["data"]
    assert page.startswith("# ✘ The run failed" if drop else "# ✔ Snapshot 1 serves")
    assert state.name == ("Failed" if drop else "Completed")
    assert ("SourceError: the root photos is empty" if drop else "Snapshot 1 serves · 快照 1") in (
        state.message
    )


def test_a_plain_call_gets_its_result(tmp_path):
    """Without a flow run there is no state around it."""
    assert isinstance(indexing(told(tmp_path)), IndexResult)


@pytest.mark.usefixtures("prefect_server")
def test_a_flow_of_somebody_elses_gets_the_result(tmp_path):
    """Within it, a flow of ours is called, or its plain function: both answer with the result."""
    ours = flow(indexing, name="index-media")

    @flow
    def theirs() -> list[str]:
        return [type(one).__name__ for one in (ours(told(tmp_path)), ours.fn(told(tmp_path)))]

    assert theirs() == ["IndexResult", "IndexResult"]
