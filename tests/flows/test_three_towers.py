"""Three towers from a folder of media to a lake: trained, listed, indexed with and searched."""

from __future__ import annotations

import pytest

from flows.config.index import IndexConfig
from mmcore.search.searcher import Searcher
from mmcore.specs import EvaluationSpec, RuntimeSpec
from mmcore.training.towers import train
from mmcore.types import Query
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests.commands import command_line
from tests.made import toys
from tests.threads import one_thread

SETTINGS = {
    "device": '"cpu"',
    "epochs": 14,
    "batch_size": 16,
    "rate": 0.005,
    "network.pictures": "[16, 32]",
    "network.sounds": "[32, 32]",
    "network.embedding": 24,
    "network.hidden": 16,
    "network.features": 48,
    "network.dim": 32,
    "dataset.side": 32,
    "dataset.seconds": 0.4,
}


def settings(**changed):
    """`--set NAME=VALUE` of a small network."""
    told = {**SETTINGS, **changed}
    return [word for name, value in told.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture(autouse=True)
def _one_thread():
    """So small a network loses by a second one."""
    with one_thread():
        yield


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line."""
    return command_line(monkeypatch, capsys)


def index(folder, lake, preset):
    """Run the flow as a plain call, on the CPU."""
    from flows.index_media import index_media

    told = {"media": (str(folder),), "lake": str(lake), "preset": preset}
    runtime = RuntimeSpec(device="cpu")
    return index_media(
        IndexConfig(**told, runtime=runtime, evaluation=EvaluationSpec(min_queries=1))
    )


def right(searcher, media, asked):
    """For how many colours the first picture is of it; asked by a text, or by its tone."""
    found = 0
    for colour, (chinese, *_) in toys.COLOURS.items():
        sound = str(min((media / "train" / colour).glob("audio_*.wav")))
        word = chinese if "的" in asked.get("text", "") else colour
        told = {
            name: one.format(sound if name == "media" else word) for name, one in asked.items()
        }
        (hit,) = searcher.search(Query(**told, modality=Modality.IMAGE, k=1))
        found += hit.key.startswith(f"{colour}/")
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_what_was_trained_indexes_and_finds_media_that_it_has_not_seen(run, tmp_path):
    """Texts, pictures and sounds of one space find each other, and a lake can be learnt from."""
    media = toys.folder(tmp_path / "media")
    told = run("encoders", "train", "towers", media, "--to", tmp_path / "made", *settings())
    assert told.code == 0, told.err
    assert "epoch 14: loss" in told.err
    preset = f"towers:{tmp_path / 'made'}"
    assert f"--preset {preset}" in told.out

    lake = tmp_path / "lake"
    result = index(media / "test", lake, preset)
    snapshot = Snapshot.open(Layout(lake))
    assert result.status == "published"
    assert verify(snapshot.layout, snapshot.manifest).findings == ()
    assert snapshot.manifest.projection is None  # one joint space
    assert snapshot.manifest.fusion.space.startswith("towers-")

    searcher = Searcher.open(lake)
    for asked in ({"text": "a {} circle"}, {"text": "画上是{}的圆形。"}, {"media": "{}"}):
        assert right(searcher, media, asked) >= 4, asked  # of six; by chance one
    assert index(media / "test", lake, preset).status == "unchanged"

    again = run(
        *("encoders", "train", "towers", "--lake", lake, "--to", tmp_path / "again"),
        *settings(epochs=1, **{"dataset.held_out": 0.4, "dataset.validation": 0}),
    )
    assert again.code == 0, again.err
    assert (tmp_path / "again" / "model.safetensors").is_file()


def test_the_list_says_what_to_do(run, tmp_path, monkeypatch):
    """`mmindex encoders` names the preset, its encoders, and that a folder has to be named."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told = run("encoders", "--lang", "en")

    assert told.code == 0
    assert "towers" in told.out
    assert "towers:FOLDER" in told.out.replace("\n", "")


def test_an_interrupted_training_goes_on(run, tmp_path, monkeypatch):
    """With `--resume`, from the epoch behind the last checkpoint."""
    media = toys.folder(tmp_path / "media", each=1)
    arguments = ("encoders", "train", "towers", media, "--to", tmp_path / "made")
    real = train.train_retrieval_model

    def cut(*args, progress, **options):
        def told(point):
            progress(point)
            if point.epoch == 2:
                raise KeyboardInterrupt

        return real(*args, progress=told, **options)

    monkeypatch.setattr(train, "train_retrieval_model", cut)
    first = run(*arguments, *settings(epochs=3))
    monkeypatch.setattr(train, "train_retrieval_model", real)
    second = run(*arguments, *settings(epochs=3), "--resume")

    assert first.code != 0
    assert second.code == 0, second.err
    assert not (tmp_path / ".made.checkpoints").exists()
    assert "epoch 1:" not in second.err
    assert "epoch 2:" in second.err
    assert "epoch 3:" in second.err
