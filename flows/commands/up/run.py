"""A flow run, as the worker of `mmindex up` starts it: Prefect's engine, ending with the worker.

Else a run outlives a worker that was killed: nobody sees it, and it holds the lake.
"""

from __future__ import annotations

import os
import runpy

from flows.engines.engine import end_with

if __name__ == "__main__":
    end_with(os.getppid())
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
