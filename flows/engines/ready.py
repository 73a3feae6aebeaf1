"""Load in a process of a Dask cluster what tasks need, before it is given the first.

Tasks come pickled, and a scheduler too loads all that they name: in its event loop, which then
answers nobody, and whoever waits for it gives it up. Importing this module loads next to nothing.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Final

MODULE: Final = "flows.index_media"
"""What a task run of Prefect names: the flow, and with it all tasks."""


async def ready(module: str = MODULE) -> None:
    """Load the module in a thread, so that the event loop answers others all the while."""
    await asyncio.to_thread(import_module, module)
