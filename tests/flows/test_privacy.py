import copy
import json
import logging
import shutil
import time
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from PIL import Image

from flows import cli
from flows.commands.search.command import AskedWith, SearchManner, run_search
from flows.config.index import IndexConfig
from flows.orchestration.orchestrator import OUR_LOGGERS, _send_the_rest
from mmcore.encoders.projections import caption_digests
from mmcore.errors import ConfigError, UntoldError
from mmcore.search.opened.models import published_projection
from storage import keys
from storage.layout import Layout
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import media
from tests.crashes import plain_flow

ANIMALS = ("zebra", "walrus", "otter", "heron", "badger", "lynx")
NAMES = ("holiday-with-anna", "urlaub", "beim-zahnarzt", "umbenannt", "家庭相册")
TEXTS = ("sleeps near the mill", "睡在磨坊旁边", "what the manifest says", "kept to myself")
BROKEN = "broken-secret"

pytestmark = pytest.mark.usefixtures("prefect_server")


def index(folder, lake, **settings):
    """Run the flow as a plain call, on a private lake unless told otherwise."""
    from flows.index_media import index_media

    return index_media(config(folder, lake, **settings))


def plain(folder, lake, **settings):
    """The same without Prefect, which then is not told anything anyway."""
    with pytest.MonkeyPatch.context() as patch:
        return plain_flow(patch)(config(folder, lake, **settings))


def config(folder, lake, **settings):
    """What a run is told."""
    fit = {"held_out": 0.5, "min_pairs": 4}  # texts are fitted, so a model knows of captions
    chosen = {"private": True, "fit": fit, "evaluation": {"min_queries": 2}}
    return IndexConfig(media=(str(folder),), lake=str(lake), **chosen | settings)


def make_folder(folder):
    """Pictures with captions in folders whose names tell something, a manifest, a broken file."""
    for number, animal in enumerate(ANIMALS):
        place = folder / "beim-zahnarzt" / "家庭相册"
        colour = (40 * number, 200 - 30 * number, 90)
        media.png(place / f"urlaub-{animal}.png", Image.new("RGB", (40, 30), colour))
        media.text(place / f"urlaub-{animal}.txt", f"The {animal} sleeps near the mill.")
        media.text(place / f"urlaub-{animal}.zh.txt", f"{animal}睡在磨坊旁边。")
    lines = "path,caption,label,note\n"
    lines += "beim-zahnarzt/家庭相册/urlaub-otter.png,what the manifest says,water,seen\n"
    lines += "umbenannt/nowhere.png,kept to myself,,\n"
    (folder / "manifest.csv").write_text(lines, encoding="utf-8")
    (folder / f"{BROKEN}.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return folder


@pytest.fixture(scope="module")
def indexed(tmp_path_factory, prefect_server):
    """A folder, its private lake after one run, what was logged, and that run's result."""
    base = tmp_path_factory.mktemp("private")
    folder, lines = make_folder(base / "holiday-with-anna"), []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))
    loggers = [logging.getLogger(name) for name in OUR_LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with pytest.MonkeyPatch.context() as patch:  # the key decides what is held out
            patch.setattr(keys.secrets, "token_bytes", lambda count: b"\x07" * count)
            result = index(folder, base / "lake")
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    return folder, base / "lake", lines, result


@pytest.fixture
def copied(indexed, tmp_path):
    """The same, free to be changed; the folder keeps its name, by which its root is known."""
    folder, lake, *_ = indexed
    shutil.copytree(folder, tmp_path / folder.name)
    shutil.copytree(lake, tmp_path / "lake")
    return tmp_path / folder.name, tmp_path / "lake"


@pytest.fixture(scope="module")
def public(indexed, tmp_path_factory):
    """A lake of the same folder that is not private, not to be changed."""
    lake = tmp_path_factory.mktemp("public") / "open"
    plain(indexed[0], lake, private=False)
    return lake


def told(path):
    """All that a file of the lake says, Parquet decoded, as one text."""
    raw = path.read_bytes()
    said = [raw.decode("utf-8", "replace"), raw.decode("utf-16-le", "replace")]
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        said += [str(pq.read_metadata(path).metadata), path.name]
        said += [
            json.dumps(table[name].to_pylist(), ensure_ascii=False, default=str)
            for name in table.column_names
            if not name.startswith("vector")
        ]
    return "\n".join(said)


def markers_in(text):
    """Which of the planted names and texts stand in ``text``, in whatever writing of JSON."""
    wanted = (*NAMES, *TEXTS, *ANIMALS, BROKEN)
    escaped = {one: json.dumps(one)[1:-1] for one in wanted}
    return {one for one in wanted if one in text or escaped[one] in text}


def test_the_scan_finds_what_is_not_hidden(public):
    """A lake that is not private has the planted names and texts: the test below can fail."""
    found = [markers_in(told(p)) for p in public.rglob("*") if p.is_file()]

    assert set().union(*found) >= {"urlaub", "beim-zahnarzt", TEXTS[0], TEXTS[1], BROKEN, "otter"}


def test_no_file_of_a_private_lake_has_a_name_or_a_text(indexed):
    """Neither as bytes nor decoded, in a table, a footer, a manifest, a model or a report."""
    lake = indexed[1]
    found = {
        str(path.relative_to(lake)): markers_in(told(path) + str(path.relative_to(lake)))
        for path in lake.rglob("*")
        if path.is_file()
    }

    assert {name: some for name, some in found.items() if some} == {}


def test_a_model_knows_its_captions_by_hashes(indexed):
    """What it was fitted on is never asked with, and is told without a word of it."""
    snapshot = Snapshot.open(Layout(indexed[1]))
    projection = published_projection(snapshot)
    captions = snapshot.rows("captions").to_pylist()

    fitted = projection.fitted_on.captions
    assert fitted
    assert fitted < caption_digests(row["key"] for row in captions)


def test_the_users_own_labels_and_columns_stay(indexed):
    """What stands in a manifest is the user's choice; a folder's name is no label."""
    items = Snapshot.open(Layout(indexed[1])).rows("items").to_pylist()

    assert [(row["labels"], row["note"]) for row in items if row["labels"]] == [
        (["water"], "seen")
    ]


def test_a_private_lake_is_measured(indexed):
    """Held-out captions ask by their stored vectors; what could not ask would be unscored."""
    result = indexed[3]

    assert result.evaluation == "measured"
    assert any(name.startswith("text:en→") for name in result.scores)


def test_nothing_changed_nothing_done(copied):
    """Files are known again by their hashed paths: no decode, no hash, no new snapshot.

    But for one that says where the root lies now, veiled as before.
    """
    folder, lake = copied
    moved = plain(folder, lake)  # the copies have another ctime, and the same mtime
    before = plain(folder, lake)

    assert (moved.status, moved.snapshot, sum(moved.new.values())) == ("published", 2, 0)
    assert before.status == "unchanged"
    media.text(folder / "beim-zahnarzt" / "家庭相册" / "urlaub-lynx.txt", "The lynx woke up.")
    result = plain(folder, lake)
    assert (result.status, result.new["e5-small"]) == ("published", 1)
    assert (result.items_added, result.items_gone) == (0, 0)
    assert sum(result.new.values()) == 1


def test_a_moved_file_keeps_its_vectors(copied):
    """A renamed picture is another item and is not embedded again."""
    folder, lake = copied
    place = folder / "beim-zahnarzt" / "家庭相册"
    (place / "urlaub-lynx.png").rename(folder / "umbenannt.png")
    result = plain(folder, lake)

    assert (result.status, sum(result.new.values())) == ("published", 0)


@pytest.mark.parametrize("private", [True, False])
def test_a_lake_is_private_from_its_first_run_on_or_never(indexed, copied, public, private):
    """Old files would tell what the setting hides, so it is refused with what to do instead."""
    folder, lake = copied if private else (indexed[0], public)

    with pytest.raises((ConfigError, UntoldError)) as caught:
        index(folder, lake, private=not private)
    assert "new lake" in getattr(caught.value, "told", str(caught.value))
    assert current(Layout(lake)) == 1


def test_without_its_key_a_private_lake_is_not_written(copied):
    """Another key would make every file a new one: the run stops and names the file."""
    folder, lake = copied
    (lake / "KEY").unlink()

    with pytest.raises(Exception, match="KEY") as caught:
        index(folder, lake)
    assert caught.value.exit_code == 7


def test_the_key_is_for_its_owner_alone(indexed):
    """Who has it can test guesses of names, so nobody else may read it."""
    lake = Layout(indexed[1])

    assert keys.read_key(lake) is not None
    assert lake.key.stat().st_mode & 0o077 == 0


def test_no_log_line_names_a_file(indexed):
    """Also the warning that a manifest names a file that is not there."""
    lines = indexed[2]

    assert any("names a file that is not there" in line for line in lines)
    assert {line: markers_in(line) for line in lines if markers_in(line) - {NAMES[0]}} == {}


def kept_by_server(url):
    """All that Prefect's server answers of runs, states and logs, and its database's bytes."""
    from prefect.settings import get_current_settings

    _send_the_rest()
    time.sleep(2)  # it records what it was sent
    said = []
    with httpx.Client(base_url=url, timeout=30) as client:
        for what in ("flow_runs", "task_runs", "logs", "artifacts"):
            said += client.post(f"/{what}/filter", json={"limit": 200}).json()
    secret = get_current_settings().server.database.connection_url
    database = Path(secret.get_secret_value().partition("///")[2])
    files = [path for path in database.parent.glob(f"{database.name}*") if path.is_file()]
    return json.dumps(said, ensure_ascii=False), b"".join(path.read_bytes() for path in files)


def test_prefect_is_told_no_name_and_no_text(tmp_path, prefect_server):
    """A run that ends well and two whose errors name files leave none of it on the server.

    The folder that a run is told to index is among its parameters: the user's own setting.
    """
    planted = ("nur-hier-gesehen", "weggeschlossen", "said to nobody", "没有人知道")
    folder = tmp_path / "media"
    for number in range(3):
        media.png(folder / planted[0] / f"{planted[1]}-{number}.png", media.noise(seed=number))
        media.text(folder / planted[0] / f"{planted[1]}-{number}.txt", f"{planted[2]} {number}")
    (folder / f"{planted[1]}.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    (folder / "manifest.jsonl").write_text('{"path": "weggeschlossen/x.png"}\n', "utf-8")
    index(folder, tmp_path / "lake")
    with pytest.raises(UntoldError) as bad:  # in the flow itself
        index(folder, tmp_path / "other", max_bad_fraction=0.0)
    (folder / planted[0] / "manifest.jsonl").write_text(f'{{"caption": "{planted[3]}"', "utf-8")
    with pytest.raises(UntoldError) as lost:  # in a task
        index(folder, tmp_path / "lake")

    said, data = kept_by_server(prefect_server)

    assert planted[0] in lost.value.told
    assert (bad.value.exit_code, lost.value.exit_code) == (4, 2)
    assert "TooManyBadFilesError, on a private lake" in said  # what was looked at has the failures
    assert b"ConfigError, on a private lake" in data
    assert [one for one in planted if one in said or one.encode() in data] == []


def test_an_error_crosses_from_a_worker_process():
    """What the person is to read, and whether to try again, survive the way to another process."""
    error = UntoldError("SourceError", "a/b.png: gone", exit_code=5, transient=True)
    again = copy.copy(error)  # by __reduce__, as pickle does

    assert (again.told, again.exit_code, again.transient) == (error.told, 5, True)
    assert str(again) == str(error)


def test_who_has_the_key_may_name_the_hits(indexed, capsys):
    """A search shows hashes, and the files' own names where their folder is given."""
    folder, lake, *_ = indexed
    wanted = AskedWith(("The heron sleeps near the mill.",))
    asked = str(lake), wanted, {"modalities": (Modality.TEXT,), "k": 1}

    run_search(*asked, SearchManner(as_json=True))
    (hit,) = json.loads(capsys.readouterr().out)["hits"]
    assert (len(hit["path"]), hit["text"]) == (32, None)
    run_search(*asked, SearchManner(roots=(str(folder),), as_json=True))
    (hit,) = json.loads(capsys.readouterr().out)["hits"]
    assert hit["path"] == "beim-zahnarzt/家庭相册/urlaub-heron.txt"
    with pytest.raises(ConfigError, match="has no root 'other'"):
        run_search(*asked, SearchManner(roots=(f"other={folder}",), as_json=True))


def test_the_command_line_tells_what_prefect_is_not_told(monkeypatch, capsys):
    """The person who started the run reads the message, and the exit code is that of its kind."""

    def failing():
        raise UntoldError("SourceError", "anna.png: gone", exit_code=5)

    monkeypatch.setattr(cli, "app", failing)
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 5
    assert "mmindex: anna.png: gone" in capsys.readouterr().err
