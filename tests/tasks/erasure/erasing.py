"""Erasures of the cat of a lake with a history."""

from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from tasks.erasure import erase
from tasks.erasure.choose import choose


def forget(layout: Layout, *, content: bool = False) -> erase.Erased:
    """Erase the cat."""
    with writer_lock(layout):
        lake_key(layout)
        choice = choose(layout, ["media/trips/cat.png"], (), content=content)
        return erase.erase(layout, choice.selection.order)
