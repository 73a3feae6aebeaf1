"""A search → which indexes and words are asked, and what of them may be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.errors import ConfigError
from mmcore.search.lexical import Said, Wording
from mmcore.search.nearest import Target
from mmcore.search.opened import Opened
from mmcore.search.ranking.weights import Weights
from mmcore.search.request import Part, SearchRequest
from mmcore.search.targets import Targets
from mmcore.search.voices import Voices
from mmcore.search.within import Within
from mmcore.search.words.tokens import words_of
from storage.manifest import IndexEntry
from storage.schemas import FUSED, MmindexError, Modality

NO_TEXT: Final = "words were not searched: there is no text to take them from"
NO_WORDS: Final = (
    "words were not searched: this snapshot has no table of them (it is private, or older)"
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What one search comes to.

    Args:
        request: what was asked.
        parts: of it, in an order that does not depend on how they were given.
        targets: the indexes that are asked.
        wording: the words that are; None: none.
        share: of the words, beside vectors.
        within: what may be found.
        notes: what could not be asked.
    """

    request: SearchRequest
    parts: tuple[Part, ...]
    targets: tuple[Target, ...]
    wording: Wording | None
    share: float
    within: Within
    notes: tuple[str, ...]

    @property
    def reach(self) -> int:
        """How many answers are wanted, those that are skipped among them."""
        return self.request.offset + self.request.k

    @property
    def several(self) -> bool:
        """Whether lists have to be blended."""
        return len(self.targets) + (self.wording is not None) > 1


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the searches of one snapshot."""

    opened: Opened
    targets: Targets
    weights: Weights

    def plan(self, request: SearchRequest, voices: Voices) -> Plan:
        """What a search asks; nothing is encoded yet.

        A medium whose index some part cannot ask is left out, and said. Raises the error of the
        first one where nothing is left to ask, and ConfigError for what cannot be asked at all.
        """
        parts = tuple(sorted(request.parts, key=_same_order))
        for part in parts:
            voices.check(part)
        within = Within.of(self.opened, request, parts)
        wording, notes = self._wording(request, parts)
        share = self._share(request) if wording is not None else 0.0
        found: dict[str, Target] = {}
        errors: list[MmindexError] = []
        for modality in within.modalities if share < 1 else ():
            try:
                entry = self.targets.of(modality, parts, voices)
            except MmindexError as error:
                errors.append(error)
                continue
            found[entry.path] = within.target(entry)
            notes += _another(modality, entry)
        if errors and not found and wording is None:
            raise errors[0]
        for target in found.values():
            for part in parts:
                voices.expect(part, self.opened.asked_in(target.entry))
        notes += [f"left out: {error}" for error in errors]
        return Plan(request, parts, (*found.values(),), wording, share, within, (*notes,))

    def _share(self, request: SearchRequest) -> float:
        return self.weights.words if request.words is None else request.words

    def _wording(
        self, request: SearchRequest, parts: Sequence[Part]
    ) -> tuple[Wording | None, list[str]]:
        """The words of the texts that are asked with, and why there are none where some should be.

        ConfigError where nothing but words was to be searched, and there are none.
        """
        share = self._share(request)
        texts = [part for part in parts if part.text is not None]
        if not share:
            return None, []
        if not any(part.weight > 0 for part in texts):
            return self._wordless(request, NO_TEXT if request.words else "")
        lexicon = self.opened.lexicon()
        if lexicon is None:
            return self._wordless(request, NO_WORDS)
        said = (Said((*words_of(part.text or ""),), part.weight) for part in texts)
        return Wording(lexicon, (*said,), alone=share == 1), []

    def _wordless(self, request: SearchRequest, why: str) -> tuple[None, list[str]]:
        if self._share(request) == 1:
            raise ConfigError(why or NO_TEXT)
        return None, [why] if why else []


def _same_order(part: Part) -> tuple[str, float]:
    """What parts are sorted by, so that sums do not depend on how they were given."""
    return part.model_dump_json(exclude={"weight"}), part.weight


def _another(modality: Modality | None, entry: IndexEntry) -> list[str]:
    """What is said where something else answers than was asked for."""
    if modality is not None or entry.modality == FUSED:
        return []
    return [f"whole items cannot be found by this: {entry.modality} was searched"]
