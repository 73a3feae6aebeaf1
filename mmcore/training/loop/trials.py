"""What was tried in a training: each way with its settings, its held-out scores, and which won."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Trial:
    """One way that was tried; ``scores`` are held-out results, better when higher."""

    name: str  # ridge, cca, network, mean, mlp …; of one encoder: ``whisper: ridge``
    settings: Mapping[str, Any] = field(default_factory=dict)  # as JSON has them
    scores: Mapping[str, float] = field(default_factory=dict)  # by measure
    won: bool = False

    def to_json(self) -> dict[str, Any]:
        """As cards and reports have it."""
        told = {"settings": dict(self.settings), "scores": dict(self.scores), "won": self.won}
        return {"name": self.name, **told}

    @classmethod
    def told(cls, stored: Mapping[str, Any]) -> Trial:
        """What ``to_json`` made; KeyError or TypeError for anything else."""
        return cls(stored["name"], stored["settings"], stored["scores"], stored["won"])


def said(settings: Mapping[str, Any]) -> str:
    """Settings in short, without those that are off: ``by scores, text ridge 0.3``."""
    return ", ".join(_parts(settings))


def changed(settings: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """What of ``settings`` is otherwise than in ``kept``: ``text ridge 1, no hubness``."""
    mine = {name: value for name, value in settings.items() if value != kept.get(name)}
    gone = {name: value for name, value in kept.items() if value and not settings.get(name)}
    less = (f"{'not' if value is True else 'no'} {_words(name)}" for name, value in gone.items())
    return ", ".join([*_parts(mine), *less])


def differences(
    names: Sequence[str], settings: Sequence[Mapping[str, Any]], won: int
) -> list[str]:
    """What tells each trial from the others, in short; ``won`` is the place of the winner.

    Where several have one name, all that the winner has and what the others have otherwise; where
    the names tell them apart, the settings of each.
    """
    if len(set(names)) == len(names):
        return [said(of) for of in settings]
    best = settings[won]
    return [
        said(of) if place == won or not of else changed(of, best) or "the same"
        for place, of in enumerate(settings)
    ]


def _parts(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if value is True:
            yield _words(name)
        elif isinstance(value, Mapping):
            yield from (f"{_words(name)} {part}" for part in _inner(value))
        elif value:
            yield f"{_words(name)} {_number(value)}"


def _inner(value: Mapping[str, Any]) -> Iterator[str]:
    """``media=0 texts=0.7``; of settings by encoder ``logmel dims=128 ridge=3``, one for each."""
    plain = {name: of for name, of in value.items() if not isinstance(of, Mapping)}
    if plain:
        yield " ".join(f"{_words(name)}={_number(of)}" for name, of in plain.items())
    for name, of in value.items():
        if isinstance(of, Mapping):
            yield from (f"{name} {part}" for part in _inner(of))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _number(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(_number, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
