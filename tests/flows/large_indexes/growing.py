"""A folder that grows and shrinks, and the indexes of its lake."""

import numpy as np
from PIL import Image

from mmcore.errors import EvaluationError
from mmcore.specs import IndexSpec
from storage.indexes.card import CARD, read_card
from storage.keys import lake_key
from storage.locks import writer_lock
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tasks.erasure.choose import choose
from tasks.erasure.erase import erase
from tests import media
from tests.fakes import HashEncoder

PICTURES = 40
CHUNKS = 25  # of each text
LOW = IndexSpec(exact_numbers=5000, recall=0.9, memory_mb=0.06, queries=100)
"""An index of a thousand texts is measured, and may not hold them; smaller ones are exact."""


def text(number, chunks=CHUNKS):
    """A text of so many chunks, all different."""
    return "\n\n".join(f"Part {part} of text {number}. " + "word " * 70 for part in range(chunks))


def add(folder, number):
    """A picture and a long text."""
    colour = (number * 5 % 256, number * 37 % 256, number * 91 % 256)
    media.png(folder / f"{number}.png", Image.new("RGB", (8, 8), colour))
    media.text(folder / f"{number}.txt", text(number))


def remove(folder, number):
    """Take a picture and its text away."""
    for ending in ("png", "txt"):
        (folder / f"{number}.{ending}").unlink()


def encoder(modality):
    """Makes an encoder of the space that texts and pictures share."""
    return lambda cut: HashEncoder(modality, space="joint", segmentation=cut)


def opened(lake):
    """The snapshot that serves, its entry of the index of texts, and its card."""
    snapshot = Snapshot.open(lake)
    entry = next(one for one in snapshot.manifest.indexes if one.modality == Modality.TEXT)
    return snapshot, entry, read_card(lake.root / entry.path / CARD)


def held(lake):
    """The ids that the index of texts answers with."""
    snapshot, entry, _ = opened(lake)
    return snapshot.opened(entry).held().tolist()


def live(lake):
    """The ids of the texts that are there."""
    return np.unique(Snapshot.open(lake).rows("segments/text")["segment_id"]).tolist()


def findings(lake):
    """What is wrong with the snapshot that serves."""
    return verify(lake, Snapshot.open(lake).manifest).findings


def failing(*_):
    """A stage that cannot be done."""
    raise EvaluationError("it cannot be scored")


def forget(lake, number):
    """Erase the item of a number; the proof is returned."""
    with writer_lock(lake):
        lake_key(lake)
        order = choose(lake, [f"media/{number}.txt"], (), content=False).selection.order
        return erase(lake, order).proof
