"""The words of a search, weighed on one core while another one encodes its text."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from mmcore.processes.cores import cores
from mmcore.search.planning.plan import Plan
from storage.schemas import MmindexError

_THREADS: Final = ThreadPoolExecutor(max(1, cores() - 1), thread_name_prefix="words")


def weighing(planned: Sequence[Plan | MmindexError]) -> list[Future[None]]:
    """What is done once the words of a lone search are weighed; to be waited for, then looked up.

    Empty for several searches, which leave no core idle, and for one that encodes nothing
    meanwhile. An error comes again where the words are looked up.
    """
    if len(planned) != 1 or cores() == 1:
        return []
    return [
        _THREADS.submit(plan.wording.weigh)
        for plan in planned
        if isinstance(plan, Plan) and plan.wording is not None and plan.targets
    ]
