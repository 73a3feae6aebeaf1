"""Preloaded by workers of a cluster: they know the preset `hash`, and note what they do.

``MMTEST_WAIT``: seconds that each file takes to be read, as from a slow disk.
"""

import os
import time
from pathlib import Path

from mmcore.media.shaping import Shaper
from storage.schemas import Modality
from tests.crashes import use_hash_encoders
from tests.fakes import HashEncoder

WAIT = float(os.environ.get("MMTEST_WAIT", "0"))
_add, _encode = Shaper.add, HashEncoder.encode


def add(self, content):
    """Decode, after a wait."""
    time.sleep(WAIT)
    note("decode")
    return _add(self, content)


def encode(self, inputs):
    """Embed."""
    note("embed")
    return _encode(self, inputs)


def note(what):
    """Add a line to what this worker did, in its working folder."""
    with Path("did").open("a") as did:
        did.write(f"{what}\n")


Shaper.add, HashEncoder.encode = add, encode
use_hash_encoders(setattr, (Modality.TEXT, Modality.IMAGE))
