"""A small Whisper model that says one phrase for any sound, and sounds that pass for speech."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

PHRASE = "hello world"
SECONDS = 2.0  # the phrase's time, whatever is said
DIM = 64
BANDS, HEADS, POSITIONS, CONTEXT = 80, 2, 448, 1500
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


def tiny_whisper(folder: Path) -> Path:
    """Write the model: each token's embedding points at the next one of the phrase.

    Attention and feed-forward layers add nothing, so what is said depends on no sound; which parts
    of it are speech, and when they are, is the detector's part.
    """
    from ctranslate2.specs.whisper_spec import WhisperSpec
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [f"Ġ{word}" for word in PHRASE.split()]
    stamps = [f"<|{i * 0.02:.2f}|>" for i in range(CONTEXT + 1)]
    tokens = [*letters, *words, *SPECIAL, *stamps]
    number = {token: place for place, token in enumerate(tokens)}
    said = ["<|startoftranscript|>", "<|0.00|>", *words, f"<|{SECONDS:.2f}|>", "<|endoftext|>"]
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    embedding = _directions(len(tokens))
    projection = np.zeros_like(embedding)
    for one, following in pairwise(said):
        projection[number[following]] = 20 * embedding[number[one]]
    _fill(spec, embedding, projection)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [number["<|en|>"]]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    folder.mkdir(parents=True)
    spec.save(str(folder))
    _tokenizer(folder, letters, words, stamps)
    return folder


def _directions(count: int) -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal((count, DIM)).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / rows.std(axis=1, keepdims=True)


def _fill(spec, embedding, projection) -> None:
    """Zero layers between the embedding and the projection."""
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight = _zeros(DIM, BANDS, 3)
    encoder.conv2.weight = _zeros(DIM, DIM, 3)
    encoder.conv1.bias, encoder.conv2.bias = _zeros(DIM), _zeros(DIM)
    encoder.position_encodings.encodings = _zeros(CONTEXT, DIM)
    decoder.position_encodings.encodings = _zeros(POSITIONS, DIM)
    decoder.embeddings.weight = embedding
    decoder.projection.weight = projection
    for side in (encoder, decoder):
        side.layer_norm.gamma, side.layer_norm.beta = _zeros(DIM) + 1, _zeros(DIM)
        layer = side.layer[0]
        _attention(layer.self_attention, (3 * DIM, DIM))
        _linear(layer.ffn.linear_0, 4 * DIM, DIM)
        _linear(layer.ffn.linear_1, DIM, 4 * DIM)
        _norm(layer.ffn.layer_norm)
    _attention(decoder.layer[0].attention, (DIM, 2 * DIM, DIM))


def _attention(layer, sizes) -> None:
    for linear, size in zip(layer.linear, sizes, strict=True):
        _linear(linear, size, DIM)
    _norm(layer.layer_norm)


def _norm(norm) -> None:
    norm.gamma, norm.beta = _zeros(DIM) + 1, _zeros(DIM)


def _linear(linear, rows: int, columns: int) -> None:
    linear.weight, linear.bias = _zeros(rows, columns), _zeros(rows)


def _zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.float32)


def _tokenizer(folder: Path, letters, words, stamps) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: place for place, token in enumerate([*letters, *words])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token) for token in (*SPECIAL, *stamps)])
    tokenizer.save(str(folder / "tokenizer.json"))
    features = {"feature_size": BANDS, "hop_length": 160, "n_fft": 400, "sampling_rate": 16_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(features))


VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))
SYLLABLE = 0.22  # seconds


def speechlike(seconds: float = 3.0, rate: int = 16_000) -> np.ndarray:
    """Vowels in syllables: a buzz through three formants, which a detector takes for a voice."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 15 * np.sin(2 * np.pi * 2.3 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formants = np.array(VOWELS)[(time // SYLLABLE).astype(int) % len(VOWELS)]
    sound = np.zeros_like(time)
    for harmonic in range(1, 40):
        away = [(harmonic * pitch - formants[:, k]) / (60 + 20 * k) for k in range(3)]
        gain = sum(1 / (1 + one**2) for one in away)
        sound += gain * np.sin(harmonic * phase) / harmonic**0.5
    sound *= np.sin(np.pi * (time % SYLLABLE) / SYLLABLE) ** 0.7
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)
