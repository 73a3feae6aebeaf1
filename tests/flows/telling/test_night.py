"""Tests of what people are told when a nightly run fails."""

import errno
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.config.index import IndexConfig
from flows.orchestration.run import Ending, Run
from flows.telling import night
from flows.telling.night import failure, telling, telling_of_failures, words
from mmcore.errors import DiskSpaceError, PublicationBlockedError, SourceError
from storage.layout import Layout
from tests import crashes


@pytest.fixture
def told(monkeypatch, tmp_path):
    """The messages that were sent."""
    sent = []
    monkeypatch.setattr(night, "send", lambda _, message: sent.append(message) or [])
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))
    return sent


@pytest.fixture
def config(tmp_path):
    """A run that tells somebody."""
    return IndexConfig(
        media=(str(tmp_path / "media"),),
        lake=str(tmp_path / "lake"),
        notify=(SecretStr("jsons://host/hook"),),
    )


def fail(config, error):
    """A run that ends with an error, as a command calls a flow."""

    @telling
    def flow(_):
        raise error

    with pytest.raises(type(error)), telling_of_failures(config):
        flow(config)


def test_a_failed_run_is_told_once_with_what_to_do(config, told):
    """What failed, whether search works, what to do: in both languages, by command and flow."""
    fail(config, SourceError("/photos: no file there; is it mounted, is it the right folder?"))

    (message,) = told
    assert message.title == "mmindex: indexing failed (code 5), NOTHING SERVES"
    assert message.kind == "failure"
    assert "/photos: no file there" in message.body
    assert "挂载该文件夹" in message.body
    assert "mount the folder" in message.body
    assert "it can wait" not in message.body


def test_search_that_works_lets_people_sleep(config, told, tmp_path, monkeypatch):
    """The snapshot that serves is named, and what is damaged does not wait."""
    crashes.make_folder(tmp_path / "media")
    crashes.plain_index(monkeypatch)(tmp_path / "media", tmp_path / "lake")
    fail(config, SourceError("gone"))
    run = Run.of("index-media", config)
    damaged = failure(run, Ending(1.0, 7, "CorruptLakeError"), Layout(config.lake_root()))

    assert told[0].title.endswith("search works")
    assert told[0].kind == "warning"
    assert "snapshot 1 serves as before" in told[0].body
    assert "it can wait until the morning" in told[0].body
    assert "it can wait" not in damaged.body


def test_the_same_failure_is_told_once_in_a_while(config, told):
    """A watch tries again each quarter of an hour; another failure is news, and so is its end."""
    for _ in range(3):
        fail(config, SourceError("gone"))
    fail(config, OSError(errno.ENOSPC, "No space left on device"))
    with telling_of_failures(config):
        pass
    with telling_of_failures(config):
        pass

    assert [re.search(r"code \d+|well again", one.title)[0] for one in told] == [
        *("code 5", "code 11", "well again"),
    ]


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), PublicationBlockedError("r", 1, "worse", "report")]
)
def test_who_knows_already_is_not_told(config, told, error):
    """Ctrl-C is by hand, and the gate tells people itself."""
    fail(config, error)

    assert told == []


def test_nobody_is_told_of_a_dry_run_or_where_nobody_is_named(config, told):
    """It is the person at the terminal who sees it."""
    fail(config.model_copy(update={"dry_run": True}), SourceError("gone"))
    fail(config.model_copy(update={"notify": ()}), SourceError("gone"))

    assert told == []


def test_a_private_lake_names_no_file(config, told):
    """Neither its place nor what the error says, which may name a file."""
    fail(config.model_copy(update={"private": True}), SourceError("/secret/photos is empty"))

    assert "secret" not in told[0].body
    assert config.lake not in told[0].body
    assert "SourceError" in told[0].body


def test_a_run_that_is_cancelled_or_too_slow_is_told(config, told):
    """Prefect ends it by what is no Exception."""

    class TerminationSignal(BaseException):
        pass

    fail(config, TerminationSignal())

    assert "code 130" in told[0].title
    assert "goes on where this one ended" in told[0].body


def test_trouble_in_telling_hides_no_error(config, told, monkeypatch):
    """The run's own error is raised."""
    monkeypatch.setattr(night, "failure", lambda *_: 1 / 0)

    fail(config, DiskSpaceError("lake", 2, 1))

    assert told == []


@pytest.mark.parametrize(("page", "language"), [("operations.md", 0), ("operations.zh.md", 1)])
def test_the_page_for_the_night_has_every_code(page, language):
    """A row each, with what is said of it and what to do, in the language of the page."""
    told = (Path(__file__).parents[3] / "docs" / page).read_text("utf-8")
    mark = ("## Paged at night", '<a id="paged-at-night"></a>')[language]
    table = told.split(mark)[1].split("\n## ")[0]
    for code, failed in words("failed").items():
        assert f"| {code} | {failed[language]}" in table
        assert words("todo")[code][language] in table
