"""The deployments as files: what they name exists, fits its flow, and fits Prefect's templates."""

import inspect
import json
import tomllib
from pathlib import Path

import jsonschema
import prefect
import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.utilities.templating import find_placeholders

from flows.commands.up import deployments
from flows.commands.up.deployments import Own, fitted, read, shipped
from flows.orchestration.temporary_server import OrchestratorError
from mmcore.errors import ConfigError

ROOT = Path(__file__).parents[4]
FILES = ["prefect.yaml", "deploy/docker/prefect.yaml", "deploy/kubernetes/prefect.yaml"]
TEMPLATES = json.loads(
    (
        Path(prefect.__file__).parent
        / "server/api/collections_data/views/aggregate-worker-metadata.json"
    ).read_text()
)
NAMES = ["index-media", "evaluate-retrieval", "train-fusion", "maintain"]
SOUND = "name: a, entrypoint: b, work_pool: {name: p}"


def every():
    """Each deployment of each file."""
    for file in FILES:
        for one in read(ROOT / file)["deployments"]:
            yield pytest.param(one, id=f"{file}-{one['name']}")


@pytest.mark.parametrize("file", FILES)
def test_each_file_has_the_four_deployments(file):
    """The three ways to run differ in where, never in what."""
    told = read(ROOT / file)["deployments"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert [one["name"] for one in told] == NAMES
    assert [one["schedules"][0]["cron"] for one in told] == [
        "0 1 * * *",
        "0 5 * * *",
        "0 6 * * 6",
        "0 6 * * 0",
    ]
    assert {one["version"] for one in told} == {version}
    assert {one["concurrency_limit"]["collision_strategy"] for one in told} == {"CANCEL_NEW"}
    assert all(one["tags"] and one["enforce_parameter_schema"] for one in told)


@pytest.mark.parametrize("one", list(every()))
def test_a_flow_takes_its_parameters(one):
    """The entrypoint is a flow, its form has fields, and what the file says is valid in it."""
    flow = load_flow_from_entrypoint(one["entrypoint"], use_placeholder_flow=False)
    schema = parameter_schema(flow).model_dump()
    config = flow.validate_parameters(one["parameters"])["config"]

    assert flow.name == one["name"]
    assert schema["definitions"][type(config).__name__]["properties"]["lake"]["description"]
    assert config.wait == 3600


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_job_variables_fit_the_workers_template(kind):
    """Prefect's own schema of a pool takes them; what is misspelt would be ignored in silence."""
    template = TEMPLATES[f"prefect-{kind}"][kind]["default_base_job_configuration"]
    for one in read(ROOT / f"deploy/{kind}/prefect.yaml")["deployments"]:
        variables = one["work_pool"]["job_variables"]
        jsonschema.validate(variables, template["variables"])
        used = {place.name for place in find_placeholders(template["job_configuration"])}

        assert variables
        assert set(variables) <= used


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_what_runs_in_an_image_needs_no_folder_of_the_deployer(kind):
    """Code comes with the image, and the lake lies where each container sees it."""
    told = yaml.safe_load((ROOT / f"deploy/{kind}/prefect.yaml").read_text())

    assert told["pull"] == []
    for one in told["deployments"]:
        assert one["parameters"]["config"]["lake"].startswith(("/", "s3://"))


def test_the_kubernetes_worker_hangs_together():
    """Its accounts, role and pool are those that it and the deployments name."""
    docs = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/worker.yaml").read_text()))
    named = {(one["kind"], one["metadata"]["name"]) for one in docs}
    worker = next(one for one in docs if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    told = read(ROOT / "deploy/kubernetes/prefect.yaml")
    job = told["deployments"][0]["work_pool"]["job_variables"]
    binding = next(one for one in docs if one["kind"] == "RoleBinding")

    assert ("ServiceAccount", worker["serviceAccountName"]) in named
    assert ("ServiceAccount", job["service_account_name"]) in named
    assert ("Namespace", job["namespace"]) in named
    assert ("Role", binding["roleRef"]["name"]) in named
    assert deployments.pool_of(told) in worker["containers"][0]["command"]
    assert worker["containers"][0]["image"] == job["image"]


def test_automations_are_prefects():
    """Each is valid, and is about our four flows alone."""
    for told in yaml.safe_load((ROOT / "deploy/automations.yaml").read_text())["automations"]:
        automation = AutomationCore.model_validate(told)
        related = automation.trigger.match_related.model_dump()

        assert automation.name.startswith("mmindex-")
        assert related["prefect.resource.name"] == [
            "index-media",
            "evaluate-retrieval",
            "train-fusion",
            "maintain",
        ]


def test_what_a_user_says_goes_into_all_deployments(tmp_path, monkeypatch):
    """Folders, lake and zone are the user's, with places that mean the same anywhere."""
    monkeypatch.chdir(tmp_path)
    told = fitted(read(shipped("prefect.yaml")), Own(("a=media",), "lake", "Asia/Shanghai"))
    configs = [one["parameters"]["config"] for one in told["deployments"]]

    assert {one["lake"] for one in configs} == {str(tmp_path / "lake")}
    assert configs[0]["media"] == [f"a={tmp_path / 'media'}"]
    assert configs[0]["preset"] == "embedded"
    assert {one["schedules"][0]["timezone"] for one in told["deployments"]} == {"Asia/Shanghai"}
    assert (
        "flows.commands.up.run" in told["deployments"][0]["work_pool"]["job_variables"]["command"]
    )
    assert deployments.absent(told) == [str(tmp_path / "media")]


def test_a_file_of_ones_own_stays_as_it_says(tmp_path):
    """Without options its lake, folders and zone count."""
    lake = {"lake": str(tmp_path / "mine"), "media": [f"x={tmp_path}"]}
    told = {
        "deployments": [
            {
                "name": "mine",
                "entrypoint": "flows.index_media.index_media",
                "work_pool": {"name": "own"},
                "parameters": {"config": lake},
                "schedules": [{"cron": "* * * * *", "timezone": "Asia/Tokyo"}],
            }
        ]
    }
    one = fitted(told, Own())["deployments"][0]

    assert one["parameters"]["config"] == lake | {"preset": "embedded"}
    assert one["schedules"] == told["deployments"][0]["schedules"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deployments: [", "cannot be read"),
        ("name: x", "has no deployments"),
        ("[1, 2]", "has no deployments"),
        ("", "has no deployments"),
        ("deployments: []", "has no deployments"),
        ("deployments: [7]", "deployment 1 is not a mapping"),
        ("deployments: [{name: a, entrypoint: b}]", r"deployment 1 \(a\) has no work_pool"),
        ("deployments: [{name: 3, entrypoint: b, work_pool: {name: p}}]", "has no name"),
        ("deployments: [{name: a, entrypoint: [b], work_pool: {name: p}}]", "has no entrypoint"),
        ("deployments: [{name: a, entrypoint: b, work_pool: {name: [p]}}]", "has no work_pool"),
        ("deployments: [{name: a, entrypoint: b, work_pool: {name: ' '}}]", "has no work_pool"),
        ("deployments: [{name: a/b, entrypoint: b, work_pool: {name: p}}]", "has / in the name"),
        ("deployments: [{name: a, entrypoint: b, work_pool: {name: p<q>}}]", "has < > in the"),
        (f"deployments: [{{{SOUND}, parameters: [1]}}]", "has parameters that are not"),
        (f"deployments: [{{{SOUND}, parameters: {{config: 3}}}}]", "has parameters that are not"),
        (f"deployments: [{{{SOUND}, schedules: 0 1 * * *}}]", "has schedules that are not"),
        (f"deployments: [{{{SOUND}, schedules: [0 1 * * *]}}]", "has schedules that are not"),
        (f"deployments: [{{{SOUND}}}, {{{SOUND}}}]", "has two deployments a"),
        (
            "deployments: [{name: a, entrypoint: b, work_pool: {name: p}},"
            " {name: c, entrypoint: d, work_pool: {name: q}}]",
            "work pools p, q",
        ),
    ],
)
def test_a_file_that_cannot_be_is_one_line(tmp_path, text, said):
    """It names the file, and what is wrong with it."""
    file = tmp_path / "my.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said) as raised:
        read(file)

    assert str(file) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_an_unknown_zone_is_told_before_anything_starts():
    """A schedule without its zone would run at another hour."""
    with pytest.raises(ConfigError, match="Nowhere/Land"):
        fitted(read(shipped("prefect.yaml")), Own(("x",), None, "Nowhere/Land"))


def test_a_flow_names_what_it_is_told_where_prefect_reads_it():
    """Decorators between Prefect and a flow leave its types to be found (the form has them)."""
    for one in read(ROOT / "prefect.yaml")["deployments"]:
        flow = load_flow_from_entrypoint(one["entrypoint"], use_placeholder_flow=False)

        assert isinstance(inspect.signature(flow.fn).parameters["config"].annotation, type)


def test_what_prefect_does_not_take_is_told(tmp_path, monkeypatch):
    """Its own words, and the file they are about."""

    class Done:
        returncode, stdout, stderr = 1, "", "no such pool\n"

    monkeypatch.setattr(deployments.subprocess, "run", lambda *_, **__: Done)
    with pytest.raises(OrchestratorError, match="no such pool"):
        deployments.deploy({"deployments": []}, tmp_path / "x.yaml", {})
