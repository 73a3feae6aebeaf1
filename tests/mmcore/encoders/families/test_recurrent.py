from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mmcore.encoders.families.recurrent import build_gru, build_lstm
from mmcore.encoders.presets import chosen
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.media.sounds.features import log_mel
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import unit_rows
from tests.made.checkpoints.lstm import HIDDEN, LAYERS, make
from tests.made.sounds import music, noise, vowels

BUILD = {"lstm": build_lstm, "gru": build_gru}
NETS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
SOUNDS = (music(3.0), vowels(1.5), noise(0.7, 0.2, seed=3), music(1.9), noise(3.0, 0.01))


@pytest.fixture(scope="module", params=["lstm", "gru"])
def kind(request):
    """Each of the two."""
    return request.param


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory):
    """A small network that was not trained."""
    return make(tmp_path_factory.mktemp("weights") / kind, kind)


def encoder(kind, folder, window=10.0, **fields):
    """On the CPU."""
    runtime = RuntimeSpec(**{"device": "cpu", "models": {kind: str(folder)}, **fields})
    return BUILD[kind](SegmentationSpec(audio_window=window), runtime)


def heard(kind, folder, samples):
    """By torch's own layer: mean and deviation of the last layer's states, on a common scale."""
    state = load_file(folder / "model.safetensors")
    net = NETS[kind](64, HIDDEN, LAYERS, batch_first=True)
    net.load_state_dict({n[4:]: v for n, v in state.items() if n.startswith("rnn.")})
    frames = (torch.from_numpy(log_mel(samples).T.copy()) - state["mean"]) / state["deviation"]
    with torch.no_grad():
        states = net(frames[None])[0][0]
    pooled = torch.cat([states.mean(dim=0), states.std(dim=0, unbiased=False)])
    return ((pooled - state["centre"]) / state["spread"]).numpy()


def cosines(left, right):
    """Of rows."""
    return (unit_rows(left) * unit_rows(right)).sum(axis=1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sounds_have_the_vectors_of_torchs_own_layer(kind, folder, dtype):
    """Alone, in a batch of several lengths and in another order; sounds differ."""
    made = encoder(kind, folder, dtype=dtype)
    batch = np.stack([made.prepare(one) for one in SOUNDS])
    theirs = np.stack([heard(kind, folder, one) for one in SOUNDS])
    alone = np.stack([made.encode_query(one) for one in SOUNDS])

    assert cosines(theirs[:-1], theirs[1:]).max() < 0.95
    for ours in (made.encode(batch), alone, made.encode(batch[::-1])[::-1]):
        assert cosines(ours, theirs).min() >= 0.9999


def test_it_says_that_it_runs_in_float32(kind, folder):
    """Whatever the setting: the part's metadata tell what was done."""
    assert encoder(kind, folder, dtype="bfloat16").compute["dtype"] == "float32"


def test_there_is_room_for_the_longest_window(kind, folder):
    """A quarter longer than usual, a frame each 10 ms; a longer sound is refused."""
    made = encoder(kind, folder, window=2.0)

    assert made.shape == made.prepare(music(2.5)).shape == (251, 64)
    assert not np.isnan(made.prepare(music(2.5))).any()
    assert np.isnan(made.prepare(music(1.0))[101:]).all()
    with pytest.raises(ConfigError, match="longest window"):
        made.prepare(music(2.6))


@pytest.mark.parametrize("samples", [0, 1, 16_000])
def test_silence_of_any_length_has_a_vector(kind, folder, samples):
    """There is one frame at least."""
    vector = encoder(kind, folder).encode_query(np.zeros(samples, dtype=np.float32))

    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_the_preset_needs_a_folder(kind):
    """There are no published weights."""
    with pytest.raises(ConfigError, match=f"{kind}:FOLDER"):
        chosen(kind)
    assert chosen(f"{kind}:weights/of-mine").models == {kind: "weights/of-mine"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "rnn"}, "architecture is 'rnn'"),
        ({"bands": 80}, "bands is 80"),
        ({"rate": 8000}, "rate is 8000"),
        ({"hidden": 0}, "hidden is 0"),
        ({"layers": "2"}, "layers is '2'"),
    ],
)
def test_another_configuration_is_an_error_that_names_it(tmp_path, change, said):
    """What the code does not follow is refused, with file and field."""
    made = make(tmp_path / "w")
    told = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(json.dumps({**told, **change}))

    with pytest.raises(ConfigError, match=f"config.json: {said}"):
        encoder("lstm", made)


def test_weights_that_are_not_here_or_of_another_kind_are_refused(tmp_path):
    """An LSTM is no GRU; a pickle is not opened."""
    made = make(tmp_path / "w")
    with pytest.raises(MissingWeightsError):
        encoder("lstm", tmp_path / "nothing")
    with pytest.raises(ConfigError, match="architecture is 'lstm', not 'gru'"):
        encoder("gru", made)
    told = json.loads((made / "config.json").read_text())
    (made / "config.json").write_text(json.dumps({**told, "hidden": HIDDEN + 1}))
    with pytest.raises(ConfigError, match="of another network"):
        encoder("lstm", made).encode_query(SOUNDS[1])
    (made / "model.safetensors").rename(made / "pytorch_model.bin")
    with pytest.raises(UnsafeWeightsError, match="encoders convert"):
        encoder("lstm", made)


def test_the_key_is_of_the_weights_not_of_their_place(kind, folder, tmp_path):
    """Nor of the machine; other weights or windows are another fingerprint."""
    key = encoder(kind, folder).key
    copy = shutil.copytree(folder, tmp_path / "elsewhere")

    assert encoder(kind, copy, dtype="bfloat16", batch_size=1).key == key
    assert key.dim == 2 * HIDDEN
    assert encoder(kind, copy, window=5.0).key.fingerprint != key.fingerprint
    told = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**told, "training": {"seed": 1}}))
    assert encoder(kind, copy).key.space != key.space


def test_making_and_preparing_load_no_torch(kind, folder):
    """A decode worker needs none."""
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        "runtime = RuntimeSpec(device='cpu')\n"
        f"(audio,) = encoders_of('{kind}:{folder}', SegmentationSpec(), runtime)\n"
        "audio.prepare(np.zeros(16_000, dtype=np.float32))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
