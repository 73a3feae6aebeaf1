"""An interrupt that reaches the threads which work for who was interrupted."""

from contextlib import suppress
from contextvars import copy_context
from threading import Thread

import pytest

from mmcore.embedding.progress import teller
from mmcore.processes.interruption import InterruptedWorkError, check, passed_on
from mmcore.processes.process import Process, threads

SILENT = "tests.mmcore.processes.silent"


def in_thread(context, work):
    """The exception of ``work`` in a thread with that context, or None."""
    found = []

    def run():
        try:
            context.run(work)
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            found.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return found[0] if found else None


@pytest.mark.parametrize(
    ("error", "ends"), [(KeyboardInterrupt, True), (SystemExit, True), (ValueError, False)]
)
def test_an_interrupt_ends_the_work_and_an_error_does_not(error, ends):
    """What else is under way when an error comes is finished."""
    with suppress(error), passed_on():
        context = copy_context()
        assert in_thread(context, check) is None
        raise error

    assert isinstance(in_thread(context, check), InterruptedWorkError) == ends
    check()  # outside nothing was interrupted


def test_nobody_goes_on_listening_to_a_worker_after_an_interrupt():
    """One that says nothing for a minute is left at once; who asked it ends it."""
    with suppress(KeyboardInterrupt), passed_on():
        context = copy_context()
        raise KeyboardInterrupt

    worker = Process(SILENT, threads(1))
    try:
        assert isinstance(in_thread(context, worker.hear), InterruptedWorkError)
    finally:
        worker.kill()


def test_a_model_ends_between_two_batches():
    """What tells of its progress ends it: a long shard holds up nobody."""
    with suppress(KeyboardInterrupt), passed_on():
        context = copy_context()
        tell = context.run(teller, None, 10)
        assert in_thread(context, lambda: tell(1)) is None
        raise KeyboardInterrupt

    assert isinstance(in_thread(context, lambda: tell(2)), InterruptedWorkError)
