"""What is wrong with a `prefect.yaml` is told before a server is started for it."""

import pytest

from flows.commands.up.checks import CONFIGS, check_schedules
from flows.commands.up.deployments import Own, fitted, read, shipped
from mmcore.errors import ConfigError


def scheduled(**schedule):
    """A deployment with one schedule."""
    return {"deployments": [{"name": "mine", "schedules": [schedule]}]}


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({"cron": "0 25 * * *"}, r'cron: Invalid cron string: "0 25 \* \* \*": five fields'),
        ({"cron": "every night"}, "Invalid cron string"),
        ({"cron": "R 1 * * *"}, "Random and Hashed"),
        ({"cron": 7}, "valid string"),
        ({"cron": "0 1 * * *", "timezone": "Nowhere/Land"}, 'Invalid timezone: "Nowhere/Land"'),
        ({"cron": "0 1 * * *", "interval": 60}, "write one of cron, interval, rrule"),
        ({"crom": "0 1 * * *"}, "write one of cron, interval, rrule"),
        ({"interval": -3}, "interval"),
        ({"rrule": "daily"}, "rrule: Invalid RRule string"),
    ],
)
def test_a_schedule_that_cannot_be_is_one_line(schedule, said):
    """With the deployment's name, and what would be right."""
    with pytest.raises(ConfigError, match=said) as raised:
        check_schedules(scheduled(**schedule))

    assert str(raised.value).startswith("deployment mine: schedule ")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "*/5 * * * *", "timezone": "Asia/Shanghai", "day_or": False, "active": True},
        {"cron": "@daily"},
        {"interval": 3600, "timezone": "Europe/Berlin"},
        {"rrule": "FREQ=DAILY;BYHOUR=3"},
    ],
)
def test_what_prefect_takes_is_taken(schedule):
    """All kinds of schedules."""
    check_schedules(scheduled(**schedule))


def test_the_schedules_that_come_with_mmindex_are_sound():
    """As they are, and in the zone of a user."""
    told = read(shipped("prefect.yaml"))
    check_schedules(told)
    check_schedules(fitted(told, Own(("x",), None, "Asia/Shanghai")))


def test_every_flow_that_is_deployed_has_its_settings_checked():
    """A deployment that is added is looked at too."""
    assert {one["entrypoint"] for one in read(shipped("prefect.yaml"))["deployments"]} == {
        *CONFIGS
    }


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(
    ("setting", "said"),
    [({"wiat": 3}, "no setting wiat; did you mean wait"), ({"wait": "long"}, "wait")],
)
def test_a_slip_in_the_settings_of_any_deployment_is_told(tmp_path, number, setting, said):
    """By its name; else each night would fail, the first one too."""
    told = read(shipped("prefect.yaml"))
    told["deployments"][number]["parameters"]["config"] |= setting
    name = told["deployments"][number]["name"]

    with pytest.raises(ConfigError, match=said) as raised:
        fitted(told, Own(("x",), str(tmp_path / "lake")))
    assert str(raised.value).startswith(f"deployment {name}: ")


def test_a_lake_that_is_a_file_is_told(tmp_path):
    """No run could ever make it."""
    (tmp_path / "lake").write_text("no lake")
    with pytest.raises(ConfigError, match="lake is a file: name a folder"):
        fitted(read(shipped("prefect.yaml")), Own(("x",), str(tmp_path / "lake")))


def test_a_lake_in_a_folder_of_media_is_told(tmp_path):
    """It would index itself."""
    with pytest.raises(ConfigError, match="is a folder of media"):
        fitted(read(shipped("prefect.yaml")), Own((f"x={tmp_path}",), str(tmp_path)))


@pytest.mark.parametrize(
    "setting", [{"lake": 3}, {"lake": None}, {"media": "photos"}, {"media": 3}, {"media": [3]}]
)
def test_a_place_that_is_no_text_is_told(setting):
    """By the name of the setting."""
    told = read(shipped("prefect.yaml"))
    told["deployments"][0]["parameters"]["config"] |= setting

    with pytest.raises(ConfigError, match=f"deployment index-media: .*{next(iter(setting))}"):
        fitted(told, Own())
