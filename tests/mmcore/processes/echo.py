"""A worker that answers what it is asked, and how it was started."""

from __future__ import annotations

import os
import time

from mmcore.processes.serving import serve


def main() -> None:
    """Work until there is no more input."""

    def work(told, answer):
        time.sleep(told.get("sleep", 0))
        os.write(1, b'{"finished": "forged"}\n')
        variables = {
            "threads": os.environ["OMP_NUM_THREADS"],
            "says": os.environ["MMINDEX_TEST_SAYS"],
        }
        answer({"finished": told, **variables})

    serve(work)
