import json
import re
import shutil

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from mmcore.encoders.presets import encoders_of, runtime_of
from mmcore.encoders.weights.licences import licence_of
from mmcore.errors import ConfigError, MissingExtraError, NothingToLearnError, TrainingError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training.finetuning import parameters
from mmcore.training.finetuning.train import finetune
from mmcore.training.finetuning.vectors import Embedder

SLOW = pytest.mark.slow
FAST = [("siglip2", "lora"), ("chinese-clip", "last-blocks")]
EVERY = [
    *FAST,
    *(
        pytest.param(preset, method, marks=SLOW)
        for preset, method in [
            ("siglip2", "last-blocks"),
            ("chinese-clip", "lora"),
            ("clip", "lora"),
            ("clip", "last-blocks"),
        ]
    ),
]
WITH_CLAP = [
    *EVERY,
    pytest.param("clap", "lora", marks=SLOW),
    pytest.param("clap", "last-blocks", marks=SLOW),
]
WEIGHTS = {"clip": "open_clip_model.safetensors"}
LEARNT = {
    ("siglip2", "lora"): r"(text|vision)_model\.encoder\.layers\.\d\.\S*(proj|fc\d)\.weight",
    ("siglip2", "last-blocks"): (
        r"(text|vision)_model\.(encoder\.layers|final_layer_norm|post_layernorm|head)\..*"
    ),
    ("chinese-clip", "lora"): (
        r"text_model\.encoder\.layer\.\d\.\S*(query|key|value|dense)\.weight"
        r"|vision_model\.encoder\.layers\.\d\.\S*(proj|fc\d)\.weight"
    ),
    ("chinese-clip", "last-blocks"): (
        r"(text_model\.encoder|vision_model\.(encoder|post_layernorm))\..*"
        r"|(text|visual)_projection\..*"
    ),
    ("clip", "lora"): r"(visual\.)?transformer\.resblocks\.\d\.mlp\.c_\S*\.weight",
    ("clip", "last-blocks"): (
        r"(visual\.)?transformer\.resblocks\..*|visual\.(ln_post\..*|proj)"
        r"|ln_final\..*|text_projection"
    ),
    ("clap", "lora"): (
        r"(text_model\.encoder\.layer|audio_model\.audio_encoder\.layers)\.\d\.\S*"
        r"(query|key|value|dense)\.weight"
    ),
    ("clap", "last-blocks"): (
        r"(text|audio)_projection\..*|text_model\.(encoder|pooler)\..*"
        r"|audio_model\.audio_encoder\.(layers\.1\.blocks|norm)\..*"
    ),
}
PADDED = "text_model.embeddings.word_embeddings.weight"
PADDING = {"chinese-clip": 0}
SCALES = {"logit_scale", "logit_bias", "logit_scale_a"}


def weights(preset, folder):
    """The tensors of a folder."""
    return load_file(folder / WEIGHTS.get(preset, "model.safetensors"))


@pytest.mark.parametrize(("preset", "method"), EVERY)
def test_held_out_pairs_are_found_better(trained, preset, method):
    """Pairs that no step has seen are found better than by the base, by loss and by rank."""
    found = trained(preset, method)

    assert found.points[found.best].values["held_out_loss"] < (
        found.points[0].values["held_out_loss"] - 0.1
    )
    assert found.after["RR"] > found.before["RR"] + 0.05
    assert found.folder is not None


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "last-blocks"])
def test_sounds_lower_the_held_out_loss(trained, method):
    """CLAP learns from sounds: the loss of pairs that it has not seen falls."""
    points = trained("clap", method).points

    assert points[-1].values["held_out_loss"] < points[0].values["held_out_loss"] - 0.1
    assert points[-1].values["loss"] < points[1].values["loss"]


@pytest.mark.parametrize(("preset", "method"), WITH_CLAP)
def test_only_what_is_to_learn_changes(trained, base, preset, method):
    """Matrices of the blocks (lora), or the last blocks, change; all else stays, bit for bit."""
    before, after = weights(preset, base(preset)), weights(preset, trained(preset, method).folder)

    assert set(after) == set(before)
    if preset in PADDING:  # transformers sets its row to zero as it loads it
        assert not after[PADDED][PADDING[preset]].any()
        before[PADDED][PADDING[preset]] = 0
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    allowed = {
        name for name in before if re.fullmatch(LEARNT[preset, method], name) or name in SCALES
    }
    assert changed <= allowed
    assert {name for name in allowed - changed if before[name].is_floating_point()} <= SCALES


@pytest.mark.parametrize(("preset", "method"), WITH_CLAP)
def test_the_folder_loads_through_its_preset(trained, base, preset, method):
    """Encoders of the folder have other fingerprints, another space and other vectors."""
    found, runtime = trained(preset, method), RuntimeSpec(device="cpu", dtype="float32")
    old, new = (
        encoders_of(named, SegmentationSpec(), runtime_of(named, runtime))
        for named in (f"{preset}:{base(preset)}", f"{preset}:{found.folder}")
    )

    assert len({one.key.space for one in new}) == 1
    for before, after in zip(old, new, strict=True):
        assert after.key.name == before.key.name
        assert after.key.dim == before.key.dim
        assert after.key.fingerprint != before.key.fingerprint
        assert after.key.space != before.key.space
    cosine = float(
        old[0].encode(["red left on white"])[0] @ new[0].encode(["red left on white"])[0]
    )
    assert cosine < 0.999


@pytest.mark.parametrize(("preset", "method"), FAST)
def test_the_same_seed_gives_the_same_weights(trained, tune, tmp_path, preset, method):
    """On a CPU a second training writes the same numbers; another seed writes others."""
    rate = {"lora": 1e-2, "last-blocks": 2e-3}[method]
    torch.manual_seed(99)  # of the caller, which has no say
    again = tune(preset, tmp_path / "again", method=method, learning_rate=rate)
    few = {"method": method, "learning_rate": rate, "epochs": 1, "keep_anyway": True}
    other = tune(preset, tmp_path / "other", seed=1, **few)

    first, second, third = (
        weights(preset, one.folder) for one in (trained(preset, method), again, other)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_the_card_tells_of_base_data_and_scores(trained, base):
    """README and training.json say what it was made of, the split, and what came of it."""
    found = trained("siglip2", "lora")
    card = (found.folder / "README.md").read_text("utf-8")
    told = json.loads((found.folder / "training.json").read_text("utf-8"))

    assert "`base-siglip2`" in card
    assert f"| RR | {found.before['RR']:.4f} | {found.after['RR']:.4f} |" in card
    assert told["held_out"]["after"] == found.after
    assert told["data"]["items"] == found.counts["items"]
    assert sum(found.counts["items"].values()) == 48
    assert told["objective"] == "sigmoid"
    assert told["spec"]["seed"] == 0
    assert len(told["epochs"]) == 11
    assert b"<svg" in (found.folder / "curves.svg").read_bytes()
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json"):
        assert (found.folder / name).read_bytes() == (base("siglip2") / name).read_bytes()


def test_the_licence_of_the_base_is_kept(base, pictures, spec, tmp_path):
    """The result has the base's licence; one that is not for commercial use cannot be lost."""
    folder = tmp_path / "base"
    shutil.copytree(base("siglip2"), folder)
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n", "utf-8")
    wanted = spec(epochs=1, learning_rate=1e-2, keep_anyway=True)

    with pytest.raises(ConfigError):
        finetune("siglip2", folder, pictures, tmp_path / "to", wanted)
    allowed = wanted.model_copy(update={"noncommercial": True})
    washed = allowed.model_copy(update={"licence": "MIT"})
    with pytest.raises(ConfigError):
        finetune("siglip2", folder, pictures, tmp_path / "to", washed)
    found = finetune("siglip2", folder, pictures, tmp_path / "to", allowed)
    assert licence_of(found.folder, None) == "cc-by-nc-4.0"


def test_what_is_no_better_is_not_written(base, pictures, spec, tmp_path, caplog):
    """Without gain on held-out pairs there is no folder, and it is said; unless it is wanted."""
    wanted = spec(epochs=1, learning_rate=1e-12)
    found = finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", wanted)

    assert found.folder is None
    assert not found.better
    assert found.best == 0
    assert "not written" in caplog.text
    assert list(tmp_path.iterdir()) == []
    anyway = wanted.model_copy(update={"keep_anyway": True})
    assert finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", anyway).folder


def test_a_device_that_is_not_there_is_told(base, pictures, spec, tmp_path):
    """Without CUDA, device=cuda is an error before any work."""
    name = "cuda:99" if torch.cuda.is_available() else "cuda"
    with pytest.raises(ConfigError, match="not there"):
        finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", spec(device=name))


def test_too_little_memory_names_the_batch(base, pictures, spec, tmp_path, monkeypatch):
    """A device that runs out of memory is told as a batch that is too large; nothing is left."""

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Embedder, "media", full)
    with pytest.raises(TrainingError, match="batch_size 16"):
        finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", spec())
    assert list(tmp_path.iterdir()) == []


def test_a_rate_beyond_all_use_is_refused(spec):
    """As is a licence of several lines."""
    for wrong in ({"learning_rate": 1e30}, {"learning_rate": np.nan}, {"licence": "a\nb"}):
        with pytest.raises(ValidationError):
            spec(**wrong)


def test_a_loss_that_is_no_number_ends_it(base, pictures, spec, tmp_path, monkeypatch):
    """A rate that blows the weights up is a TrainingError, and no folder."""
    step = torch.optim.AdamW.step

    def leap(self):
        for group in self.param_groups:
            group["lr"] = 1e30
        step(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", leap)
    with pytest.raises(TrainingError):
        finetune(
            "siglip2",
            base("siglip2"),
            pictures,
            tmp_path / "to",
            spec(method="last-blocks"),
        )
    assert list(tmp_path.iterdir()) == []


def test_lora_needs_its_extra(base, pictures, spec, tmp_path, monkeypatch):
    """Without peft the error names the extra."""
    monkeypatch.setattr(parameters, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", spec())
    assert caught.value.extra == "finetune"


def test_what_cannot_be_done_is_said_first(base, pictures, spec, tmp_path):
    """An unknown preset, a folder that holds something, and too few pairs are errors."""
    with pytest.raises(ConfigError, match="e5"):
        finetune("e5", base("siglip2"), pictures, tmp_path / "to", spec())
    with pytest.raises(ConfigError):
        finetune("siglip2", base("siglip2"), pictures, pictures, spec())
    few = tmp_path / "few"
    few.mkdir()
    for name in ("0.png", "0.txt", "1.png", "1.txt"):
        shutil.copy(pictures / name, few / name)
    with pytest.raises(NothingToLearnError):
        finetune("siglip2", base("siglip2"), few, tmp_path / "to", spec())


def test_blocks_may_be_computed_twice(base, pictures, spec, tmp_path):
    """Gradient checkpointing changes the memory it takes, not the weights."""
    wanted = spec(epochs=2, learning_rate=1e-2, keep_anyway=True)
    plain = finetune("siglip2", base("siglip2"), pictures, tmp_path / "plain", wanted)
    twice = wanted.model_copy(update={"gradient_checkpointing": True})
    found = finetune("siglip2", base("siglip2"), pictures, tmp_path / "twice", twice)

    first, second = weights("siglip2", plain.folder), weights("siglip2", found.folder)
    for name, values in first.items():
        torch.testing.assert_close(second[name], values, rtol=1e-4, atol=1e-5)


def test_what_cannot_compute_twice_is_told(base, sounds, spec, tmp_path):
    """The library's CLAP has no gradient checkpointing."""
    with pytest.raises(ConfigError, match="ClapModel"):
        finetune("clap", base("clap"), sounds, tmp_path / "to", spec(gradient_checkpointing=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_learns_in_bfloat16(base, pictures, spec, tmp_path):
    """On CUDA, with bfloat16, held-out pairs are found better, and the folder loads."""
    wanted = spec(device="cuda", learning_rate=1e-2)
    found = finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", wanted)

    assert found.after["RR"] > found.before["RR"]
    assert np.isfinite(found.points[-1].values["loss"])
    assert found.folder is not None


def test_a_licence_that_the_result_would_not_load_under_is_refused_first(
    base, pictures, spec, tmp_path, monkeypatch
):
    """Before any training, and with this command's own setting; with that, it is written."""
    wanted = {"licence": "cc-by-nc-4.0", "epochs": 1, "learning_rate": 1e-3, "keep_anyway": True}
    with monkeypatch.context() as patched:
        patched.setattr(Embedder, "all_texts", None)  # nothing is computed
        with pytest.raises(ConfigError, match="--set noncommercial=true"):
            finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", spec(**wanted))

    found = finetune(
        *("siglip2", base("siglip2"), pictures, tmp_path / "to"),
        spec(**wanted, noncommercial=True),
    )
    assert licence_of(found.folder, None) == "cc-by-nc-4.0"
    modes = {path.stat().st_mode & 0o777 for path in found.folder.iterdir()}
    assert len(modes) == 1


def test_weights_that_are_no_numbers_never_win(base, pictures, spec, tmp_path, monkeypatch):
    """NaN after the last step ends the training, and no folder is written."""
    step = torch.optim.AdamW.step

    def ruined(self):
        step(self)
        with torch.no_grad():
            self.param_groups[0]["params"][0].fill_(torch.nan)

    monkeypatch.setattr(torch.optim.AdamW, "step", ruined)
    wanted = spec(epochs=1, batch_size=64, keep_anyway=True)  # one step: its loss is sound
    with pytest.raises(TrainingError, match="epoch 1: the weights are not finite"):
        finetune("siglip2", base("siglip2"), pictures, tmp_path / "to", wanted)

    assert not (tmp_path / "to").exists()
