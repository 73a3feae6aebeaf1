"""A flow run as the worker of `mmindex up` starts it, with encoders that need no weights."""

from __future__ import annotations

import runpy

from storage.schemas import Modality
from tests.crashes import use_hash_encoders

if __name__ == "__main__":
    use_hash_encoders(setattr, (Modality.TEXT, Modality.IMAGE))
    runpy.run_module("flows.commands.up.run", run_name="__main__", alter_sys=True)
