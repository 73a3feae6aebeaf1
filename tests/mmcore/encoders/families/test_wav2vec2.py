from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
import torchaudio
from safetensors.torch import load_file

from mmcore.encoders.families import wav2vec2
from mmcore.encoders.families.wav2vec2 import build
from mmcore.encoders.families.wav2vec2_bundles import BUNDLES, PARAMETERS
from mmcore.errors import ConfigError, MissingExtraError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import unit_rows
from tests.made.checkpoints.wav2vec2 import make
from tests.made.sounds import music, noise, vowels

LEAST = {"float32": 0.9999, "bfloat16": 0.999}
KINDS = {
    "base": {},  # one group norm over time
    "large": {
        "normalised": True,
        "extractor_mode": "layer_norm",
        "extractor_conv_bias": True,
        "encoder_layer_norm_first": True,
    },
}


@pytest.fixture(scope="module", params=list(KINDS))
def folder(request, tmp_path_factory):
    """A checkpoint of each of the two architectures."""
    return make(tmp_path_factory.mktemp("weights") / request.param, **KINDS[request.param])


def runtime(folder, **fields):
    """On the CPU, in float32 where nothing else is said."""
    return RuntimeSpec(
        **{"device": "cpu", "dtype": "float32", "models": {"wav2vec2": str(folder)}, **fields}
    )


@cache
def sounds():
    """Sounds of several lengths, two of them of the same one."""
    return (music(4.0), vowels(2.5), noise(0.7, 0.2, seed=3), music(1.9), vowels(4.0))


@cache
def library(folder):
    """The model of torchaudio with the folder's weights."""
    told = json.loads((folder / "config.json").read_text())["architecture"]
    layers = [tuple(layer) for layer in told["extractor_conv_layer_config"]]
    model = torchaudio.models.wav2vec2_model(**{**told, "extractor_conv_layer_config": layers})
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def heard(folder, samples):
    """The mean over time of the last layer, of one sound alone."""
    waves = torch.from_numpy(samples)[None]
    if json.loads((folder / "config.json").read_text())["normalize_waveform"]:
        waves = torch.nn.functional.layer_norm(waves, waves.shape)
    with torch.inference_mode():
        return library(folder).extract_features(waves)[0][-1].mean(dim=1)[0].numpy()


def cosines(left, right):
    """Of rows."""
    return (unit_rows(left) * unit_rows(right)).sum(axis=1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sounds_have_the_librarys_vectors(folder, dtype):
    """Alone, in a batch of several lengths and in another order; sounds differ."""
    encoder = build(SegmentationSpec(), runtime(folder, dtype=dtype))
    batch = np.stack([encoder.prepare(one) for one in sounds()])
    theirs = np.stack([heard(folder, one) for one in sounds()])
    alone = np.stack([encoder.encode_query(one) for one in sounds()])

    assert cosines(theirs[:-1], theirs[1:]).max() < 0.95
    for ours in (encoder.encode(batch), alone, encoder.encode(batch[::-1])[::-1]):
        assert cosines(ours, theirs).min() >= LEAST[dtype]


def test_a_window_is_prepared_as_it_is(folder):
    """There is room for the longest window, a quarter longer than usual; a longer one is none."""
    encoder = build(SegmentationSpec(audio_window=4.0), runtime(folder))
    prepared = encoder.prepare(sounds()[1])

    assert encoder.shape == prepared.shape == (80_000,)
    np.testing.assert_array_equal(prepared[:40_000], sounds()[1])
    assert np.isnan(prepared[40_000:]).all()
    assert not np.isnan(encoder.prepare(music(5.0))).any()
    with pytest.raises(ConfigError, match="longest window"):
        encoder.prepare(music(5.1))


@pytest.mark.parametrize("samples", [0, 1, 25, 400])
def test_a_sound_shorter_than_a_frame_has_a_vector(folder, samples):
    """It is filled up with silence to the one frame that the convolutions need."""
    vector = build(SegmentationSpec(), runtime(folder)).encode_query(music(1.0)[:samples])

    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_what_is_known_of_the_bundles_is_what_torchaudio_says():
    """File, width and normalisation of each; the parameters are those of the builder."""
    for name, ours in BUNDLES.items():
        theirs = getattr(torchaudio.pipelines, name)
        said = (theirs._path, theirs._params["encoder_embed_dim"], theirs._normalize_waveform)
        assert (ours.file, ours.dim, ours.normalised) == said
        assert theirs._model_type == "Wav2Vec2"
        assert theirs.sample_rate == 16_000
    assert tuple(inspect.signature(torchaudio.models.wav2vec2_model).parameters) == PARAMETERS


def test_the_license_of_the_preset_is_what_torchaudio_says():
    """The base model's weights are under the MIT licence, by its documentation."""
    assert wav2vec2.PRESET.releases[0].licence == "MIT"
    assert "under MIT License" in torchaudio.pipelines.WAV2VEC2_BASE.__doc__


def test_a_bundle_by_name_is_that_model(tmp_path):
    """``config.json`` may name a bundle; weights of another model are refused."""
    made = make(tmp_path / "w")
    (made / "config.json").write_text('{"architecture": "HUBERT_LARGE"}')
    encoder = build(SegmentationSpec(audio_window=1), runtime(made))

    assert encoder.key.dim == 1024
    (made / "config.json").write_text('{"architecture": "WAV2VEC2_BASE"}')
    with pytest.raises(ConfigError, match="of another model"):
        build(SegmentationSpec(audio_window=1), runtime(made)).encode_query(music(1.0))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "architecture is None"),
        ({"architecture": "WAVLM_BASE"}, "'WAVLM_BASE'; known: WAV2VEC2_BASE"),
        ({"architecture": {"encoder_width": 3}}, "encoder_width"),
        ({"architecture": "WAV2VEC2_BASE", "sample_rate": 8000}, "sample_rate is 8000"),
    ],
)
def test_what_is_not_known_is_an_error_that_names_it(tmp_path, told, said):
    """A configuration that the code does not follow is refused, with file and field."""
    made = make(tmp_path / "w")
    (made / "config.json").write_text(json.dumps(told))

    with pytest.raises(ConfigError, match=f"config.json: .*{said}"):
        build(SegmentationSpec(), runtime(made))


def test_weights_that_are_not_here_or_not_safe_are_refused(tmp_path, monkeypatch):
    """A pickle is read only where its hash is pinned; the sentence says what to do."""
    with pytest.raises(MissingWeightsError, match="encoders fetch wav2vec2"):
        build(SegmentationSpec(), RuntimeSpec(weights=str(tmp_path)))
    made = make(tmp_path / "w")
    torch.save(load_file(made / "model.safetensors"), made / "original.pth")
    (made / "model.safetensors").unlink()
    with pytest.raises(UnsafeWeightsError, match="encoders convert"):
        build(SegmentationSpec(), runtime(made)).encode_query(music(1.0))
    (made / "config.json").unlink()
    with pytest.raises(ConfigError, match="WAV2VEC2_BASE"):
        build(SegmentationSpec(), runtime(made))
    (made / "original.pth").rename(made / "wav2vec2_fairseq_base_ls960.pth")
    assert build(SegmentationSpec(), runtime(made)).key.dim == 768
    monkeypatch.setattr(wav2vec2, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="wav2vec2"):
        build(SegmentationSpec(), runtime(made))


def test_the_key_is_of_the_weights_not_of_their_place(folder, tmp_path):
    """Nor of the machine; other weights or windows are another fingerprint."""
    key = build(SegmentationSpec(), runtime(folder)).key
    copy = shutil.copytree(folder, tmp_path / "elsewhere")

    assert build(SegmentationSpec(), runtime(copy, dtype="bfloat16", batch_size=1)).key == key
    assert (
        build(SegmentationSpec(audio_window=5), runtime(copy)).key.fingerprint != key.fingerprint
    )
    other = make(tmp_path / "other", encoder_num_layers=3)
    assert build(SegmentationSpec(), runtime(other)).key.fingerprint != key.fingerprint
    assert build(SegmentationSpec(), runtime(other)).key.space != key.space


def test_making_and_preparing_load_no_torch(folder):
    """A decode worker needs neither torch nor torchaudio."""
    code = (
        "import sys\n"
        "import numpy as np\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        f"runtime = RuntimeSpec(device='cpu', models={{'wav2vec2': {str(folder)!r}}})\n"
        "(audio,) = encoders_of('wav2vec2', SegmentationSpec(), runtime)\n"
        "audio.prepare(np.zeros(16_000, dtype=np.float32))\n"
        "assert not {'torch', 'torchaudio'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
