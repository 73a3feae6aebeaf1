"""Searches over lakes of colours."""

from hypothesis import strategies as st

from mmcore.search.asking.queries import Asker
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.schemas import Modality
from tests.lakes import COLOURS, towers

IMAGE, TEXT, AUDIO = Modality.IMAGE, Modality.TEXT, Modality.AUDIO

COLOURED = 2 * len(COLOURS)


def searcher(snapshot):
    """A searcher with encoders that no preset names."""
    return Searcher(snapshot, Asker(snapshot.manifest, towers(audio=True), None))


def asked(*parts, **options):
    """A search with texts, or other parts."""
    texts = [Part(text=part) if isinstance(part, str) else part for part in parts]
    return SearchRequest(parts=tuple(texts), **options)


def keys(answer):
    """The keys of the hits, best first."""
    return [hit.key for hit in answer.hits]


PARTS = st.lists(
    st.builds(
        Part,
        text=st.sampled_from(["red", "a blue wall", "白色的墙", "Sentence 3", "nothing of all"]),
        weight=st.sampled_from([0.5, 1.0, 2.0]),
    ),
    min_size=1,
    max_size=3,
)
OPTIONS = st.fixed_dictionaries(
    {
        "modalities": st.sampled_from([(), (IMAGE,), (TEXT,), (IMAGE, TEXT)]),
        "words": st.sampled_from([None, 0.0, 0.3]),
        "method": st.sampled_from(["convex", "rrf"]),
        "where": st.sampled_from([None, "key like '%-1'"]),
    }
)
