"""A search → its plan: which indexes and words are asked, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.search.asking.voices import Voices
from mmcore.search.notes import Note, Told
from mmcore.search.opened.nearest import Target
from mmcore.search.opened.opened import Opened
from mmcore.search.planning.indexes import Indexes
from mmcore.search.planning.plan import Plan
from mmcore.search.planning.within import Within
from mmcore.search.ranking.weights import Weights
from mmcore.search.request import Part, SearchRequest
from mmcore.search.words.tokens import words_of
from mmcore.search.words.wording import Said, Wording
from storage.manifest import IndexEntry
from storage.schemas import FUSED, MmindexError, Modality

_LABEL: Final = "label"  # the state of an encoder that is led by the names of its classes
NO_TEXT: Final = Note("no-text")
NO_WORDS: Final = Note("no-words")


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the searches of one snapshot."""

    opened: Opened
    indexes: Indexes
    weights: Weights

    def plan(self, request: SearchRequest, voices: Voices) -> Plan:
        """What a search asks; nothing is encoded yet.

        A medium whose index some part cannot ask is left out, and said. Raises the error of the
        first one where nothing is left to ask, and ConfigError for what cannot be asked at all.
        """
        parts = tuple(sorted(request.parts, key=_same_order))
        voices.check_all(parts)
        within = Within.of(self.opened, request, parts)
        wording, notes = self._wording(request, parts, within)
        share = self._share(request) if wording is not None else 0.0
        found: dict[str, Target] = {}
        errors: dict[Modality | None, MmindexError] = {}
        for modality in within.modalities if share < 1 else ():
            try:
                entry = self.indexes.of(modality, parts, voices)
            except MmindexError as error:
                errors[modality] = error
                continue
            found[entry.path] = within.target(entry)
            notes += _another(modality, entry)
        if errors and not found and wording is None:
            raise next(iter(errors.values()))
        for target in found.values():
            for part in parts:
                voices.expect(part, self.opened.asked_in(target.entry))
        notes += [_left_out(m, error, by_words=wording is not None) for m, error in errors.items()]
        entries = [target.entry for target in found.values()]
        notes += _beyond(within, entries)
        notes += self._by_class_names(entries, parts)
        if so_far := self.opened.snapshot.manifest.partial:
            notes.append(Note("partial", files=so_far.files, of=so_far.of))
        return Plan(request, parts, (*found.values(),), wording, share, within, (*notes,))

    def _share(self, request: SearchRequest) -> float:
        return self.weights.words if request.words is None else request.words

    def _wording(
        self, request: SearchRequest, parts: Sequence[Part], within: Within
    ) -> tuple[Wording | None, list[Note]]:
        """The words of the texts that are asked with, and why there are none where some should be.

        ConfigError where nothing but words was to be searched, and there are none.
        """
        share = self._share(request)
        texts = [part for part in parts if part.text is not None]
        if not share:
            return None, []
        if not any(part.weight > 0 for part in texts):
            return self._wordless(request, NO_TEXT if request.words else None)
        lexicon = self.opened.lexicon(within.language)
        if lexicon is None:
            return self._wordless(request, NO_WORDS)
        said = (Said((*words_of(part.text or ""),), part.weight) for part in texts)
        return Wording(lexicon, (*said,), alone=share == 1), []

    def _by_class_names(self, entries: Sequence[IndexEntry], parts: Sequence[Part]) -> list[Note]:
        """What is said where texts ask for media that no caption has been learned for.

        Of whole items too, where no texts are among them.
        """
        projection = self.opened.snapshot.manifest.projection
        if projection is None or not any(part.text is not None for part in parts):
            return []
        searched = {entry.modality for entry in entries}
        texts = any(
            index.modality == Modality.TEXT for index in self.opened.snapshot.manifest.indexes
        )
        alone = FUSED in searched and not texts
        learned = {
            encoder.modality: projection.states.get(encoder.name)
            for encoder in self.opened.snapshot.manifest.encoders
        }
        return [
            Note("class-names", medium=medium, pairs=self.indexes.pairs())
            for medium, state in learned.items()
            if state == _LABEL and (alone or medium in searched)
        ]

    def _wordless(self, request: SearchRequest, why: Note | None) -> tuple[None, list[Note]]:
        if self._share(request) == 1:
            raise ConfigError(why or NO_TEXT)
        return None, [why] if why else []


def _same_order(part: Part) -> tuple[object, ...]:
    """What parts are sorted by, so that sums do not depend on how they were given."""
    texts = part.text or "", part.media or "", str(part.media_modality)
    numbers = part.item or 0, part.segment or 0, part.vector or ()
    return *texts, *numbers, part.weight


def _another(modality: Modality | None, entry: IndexEntry) -> list[Note]:
    """What is said where something else answers than was asked for."""
    if modality is not None or entry.modality == FUSED:
        return []
    return [Note("another", medium=entry.modality)]


def _beyond(within: Within, entries: Sequence[IndexEntry]) -> list[Note]:
    """What is said where a condition allows items that a search of whole items cannot find.

    A medium that was asked for leaves out what has not got it, which nobody has to be told.
    """
    count = within.beyond(entries) if within.modalities == (None,) else 0
    if not count:
        return []
    return [Note("beyond-1") if count == 1 else Note("beyond", count=count)]


def _left_out(modality: Modality | None, error: MmindexError, *, by_words: bool) -> Note:
    """Why a list was not asked; words may have found what is in it all the same."""
    why: Told = error
    if isinstance(error, SpaceMismatchError) and error.hint:
        why = error.hint  # what the spaces are called helps nobody
    if modality is None or not by_words:
        return Note("left-out", why=why)
    if isinstance(why, Note) and why.code == "too-few":
        return Note("words-alone-yet", **why.facts)
    return Note("words-alone", medium=modality, why=why)
