"""Snapshots that are published while somebody searches."""

from mmcore.search.asking.queries import Asker
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.published import manifest_of
from tests.lakes import COLOURS, make_lake, towers

RED = SearchRequest(parts=(Part(text="something red"),), words=0.0, k=3)
COLOURED = ("red", "green", "blue", "white")


def published(root, number, colours=COLOURED):
    """Publish the next snapshot; each key says of which one it is."""
    items = {
        f"{number}-{colour}": {
            f"{number}-{colour}.png": colour,
            f"{number}-{colour}.txt": f"A {colour} wall.",
            f"{number}-{colour}.zh.txt": f"一面{COLOURS[colour][0]}色的墙。",
        }
        for colour in colours
    }
    return make_lake(root, items, towers())


def opener(snapshot):
    """A searcher with encoders that no preset names."""
    return Searcher(snapshot, Asker(snapshot.manifest, towers(), None))


def number_of(answer):
    """The snapshot of an answer, which all its hits are of."""
    assert {hit.key.partition("-")[0] for hit in answer.hits} == {str(answer.snapshot)}
    return answer.snapshot


def own_index(layout, number):
    """The folder of the index of items: no other snapshot has these."""
    indexes = manifest_of(layout, number).indexes
    return layout.root / next(one.path for one in indexes if one.modality == "fused")


def damage(layout, number):
    """Cut the end off an index that this snapshot alone has; returns how to mend it."""
    path = own_index(layout, number) / "index.faiss"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    return lambda: path.write_bytes(whole)
