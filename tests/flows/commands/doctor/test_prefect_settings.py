"""What is said of Prefect's settings and profiles; a value of one may be a secret."""

import pytest
from prefect.settings import PREFECT_PROFILES_PATH, temporary_settings

from flows.commands.doctor import orchestration, prefect_settings


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    """Write a file of profiles and say what is found: state, finding, facts."""
    monkeypatch.delenv("PREFECT_PROFILE", raising=False)
    path = tmp_path / "profiles.toml"

    def told(text):
        path.write_text(text, "utf-8")
        with temporary_settings({PREFECT_PROFILES_PATH: path}):
            return [(one.state, one.said, one.facts) for one in prefect_settings.profile()]

    return told


def test_a_profile_is_told_by_the_names_of_what_it_sets(profiles):
    """Settings that nobody remembers are the odd ones; their values are nobody's business."""
    text = 'active = "work"\n[profiles.work]\nPREFECT_API_KEY = "secret"\n'

    ((state, said, facts),) = profiles(text)

    assert (state, said) == ("ok", "prefect-profile")
    assert (facts["name"], facts["names"]) == ("work", "PREFECT_API_KEY")
    assert "secret" not in str(facts)


def test_a_setting_that_prefect_does_not_know_is_told(profiles):
    """Prefect goes on without it, and without a word where nobody reads its output."""
    text = 'active = "work"\n[profiles.work]\nPREFECT_API_URLL = "http://far/api"\n'

    ((state, said, facts),) = profiles(text)

    assert (state, said, facts["names"]) == (
        *("warn", "prefect-profile-unknown"),
        "PREFECT_API_URLL",
    )


def test_a_profile_that_is_not_there_is_told(profiles, monkeypatch):
    """Prefect takes the built-in one in its place."""
    monkeypatch.setenv("PREFECT_PROFILE", "ghost")

    ((state, said, facts),) = profiles("[profiles.work]\n")

    assert (state, said, facts["name"]) == ("warn", "prefect-profile-missing", "ghost")


def test_a_profile_that_sets_nothing_is_not_worth_a_line(profiles):
    """As of a machine where nobody made one."""
    assert profiles('active = "work"\n[profiles.work]\n') == []


def test_settings_that_cannot_be_read_are_one_finding(monkeypatch):
    """What Prefect says, and where to correct it; nothing else can be asked then."""

    def broken():
        raise ValueError("level\n  Input should be 'DEBUG'")

    monkeypatch.setattr(prefect_settings, "settings", broken)

    (one,) = orchestration.prefect()
    assert (one.state, one.said) == ("fail", "prefect-settings")
    assert one.facts["error"] == "level Input should be 'DEBUG'"
    for check in (orchestration.server, orchestration.pools, orchestration.late):
        assert list(check()) == []
