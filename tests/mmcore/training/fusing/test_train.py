import json

import numpy as np
import pytest

from mmcore.encoders.projections import FittedOn
from mmcore.errors import TrainingError
from mmcore.fusion.base import fusion_of
from mmcore.fusion.models import FusionModel, record_of
from mmcore.specs import FusionSpec
from mmcore.training.fusing import network
from mmcore.training.fusing.contents import contents_of
from mmcore.training.fusing.scoring import Exam, ranks_of
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.fusing.train import fit_fusion
from mmcore.training.loop.trials import Trial
from storage.schemas import Modality
from tests.mmcore.training.fusing.lakes import rows_of

NOISE = {Modality.IMAGE: 3.0, Modality.TEXT: 0.4, Modality.AUDIO: 0.4}
SMALL = FusionFitSpec(
    folds=2, min_items=20, epochs=4, batch_size=32, hidden=(16,), width=8, heads=2, dropout=0.0
)


def lake(count=60, dim=12, seed=0, **options):
    """Items of which the picture says little, and text and sound much."""
    meant = np.random.default_rng(seed).standard_normal((count, dim))
    return rows_of(meant, NOISE, seed=seed, **options)


def spec(*candidates, **changes):
    """Small settings."""
    return SMALL.model_copy(update={"candidates": candidates, **changes})


def test_weights_win_where_one_medium_says_little():
    """Pictures that are mostly noise count less than texts, and the trials say what won."""
    fitted = fit_fusion("s", lake(), spec("mean", "weighted"), "f1")

    assert (fitted.name, fitted.files, fitted.reason) == ("weighted", None, "")
    assert fitted.weights["image"] < fitted.weights["text"]
    scores = {trial.name: trial.scores["RR"] for trial in fitted.trials}
    assert scores["weighted"] > scores["mean"] + 0.05
    assert [trial.name for trial in fitted.trials if trial.won] == ["weighted"]
    assert fusion_of(fitted.spec).name == "weighted"


def test_the_mean_stays_where_nothing_is_better():
    """Media that say equally much are fused by their mean."""
    even = {modality: 0.5 for modality in NOISE}
    meant = np.random.default_rng(1).standard_normal((60, 12))
    fitted = fit_fusion("s", rows_of(meant, even), spec("mean", "weighted"), "f1")

    assert (fitted.name, fitted.weights, fitted.files) == ("mean", None, None)


@pytest.mark.parametrize("kind", ["mlp", "attention"])
def test_a_learned_fusion_is_written_and_read(kind):
    """Its files make a fusion that is not the mean, and say what it was trained on."""
    rows = lake(kept=0.9)
    fitted = fit_fusion("words/p1", rows, spec(kind), "f3")
    fusion = fusion_of(fitted.spec, fitted.files)
    model, record = FusionModel.from_files(fitted.files), record_of(fitted.files)
    contents, _ = contents_of(rows)

    assert (fitted.name, fusion.name, model.version, model.space) == (kind, kind, "f3", "words/p1")
    assert model.fingerprint == fusion.fingerprint
    seen = FittedOn.told(record["fitted_on"])
    learned = contents.take(contents.learnable())
    assert seen.contents == set(learned.content_ids)
    assert seen.captions
    assert [Trial.told(stored).won for stored in record["trials"]] == [True]
    assert b"Licence" in fitted.files["card.md"]
    assert {"loss", "RR"} >= set(fitted.curves[kind][0].values)
    assert "caption number" not in json.dumps(record)


def test_equal_seeds_give_equal_weights():
    """A training is decided by its seed, its rows and its settings."""
    files = [fit_fusion("s", lake(), spec("mlp", seed=s), "f1").files for s in (1, 1, 2)]

    tensors = [of["fusion.safetensors"] for of in files]
    assert tensors[0] == tensors[1] != tensors[2]


@pytest.mark.slow
def test_a_network_learns_which_medium_to_trust():
    """On items that it never saw it finds more than the mean does."""
    patient = spec("mlp", epochs=40, patience=40, learning_rate=5e-3)
    fitted = fit_fusion("s", lake(200), patient, "f1")
    contents, _ = contents_of(lake(100, seed=9))
    exam = Exam.of(contents)
    learned, mean = (
        float(np.mean(1 / ranks_of(fusion, exam)))
        for fusion in (fusion_of(fitted.spec, fitted.files), fusion_of(FusionSpec()))
    )

    assert learned > mean + 0.03


def test_too_few_items_are_fused_by_their_mean():
    """Nothing is fitted, and the reason has the numbers."""
    fitted = fit_fusion("s", lake(10), spec("mean", "mlp"), "f1")

    assert (fitted.name, fitted.files) == ("mean", None)
    assert "10 items" in fitted.reason
    assert "20" in fitted.reason


def test_one_caption_for_all_is_too_alike():
    """What cannot be held out cannot be chosen by."""
    rows = lake()
    texts = rows[Modality.TEXT]
    rows[Modality.TEXT] = type(texts)(
        texts.item_ids,
        texts.segment_ids,
        texts.content_ids,
        texts.languages,
        ("the same",) * len(texts),
        texts.vectors,
    )
    reason = fit_fusion("s", rows, spec("mean", "mlp"), "f1").reason
    assert f"the {len(texts)} items are 1 group" in reason


def test_no_rows_at_all_are_fused_by_their_mean():
    """A lake without anything in the shared space has nothing to fit."""
    assert fit_fusion("s", {}, spec("mean"), "f1").reason


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_vector_ends_it(value):
    """TrainingError before any work."""
    rows = lake()
    rows[Modality.TEXT].vectors[3, 1] = value

    with pytest.raises(TrainingError, match="text"):
        fit_fusion("s", rows, spec("mean"), "f1")


def test_a_loss_that_is_no_number_ends_it(monkeypatch):
    """Nothing is kept of such a training."""
    monkeypatch.setattr(network, "info_nce", lambda a, b, *_: a.sum() * float("nan"))

    with pytest.raises(TrainingError, match="loss is nan"):
        fit_fusion("s", lake(), spec("mean", "mlp"), "f1")


def test_items_are_bounded():
    """A large lake is learned from by the first items, whose ids are hashes."""
    fitted = fit_fusion("s", lake(60), spec("mlp", max_items=30), "f1")

    assert record_of(fitted.files)["items"] == 30
