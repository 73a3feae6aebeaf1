"""A lake of four snapshots whose files have an age."""

import os
from datetime import timedelta

from storage.layout import Layout
from storage.maintenance.garbage import Retention, collect, survey
from storage.publication import publish
from tests.factories import WHEN, candidate

TURNS = (("cat", "狗"), ("狗", "owl"), ("owl", "fox"), ("fox",))  # keys of snapshots 1 to 4
ONE = Retention(keep=1)
DAY = timedelta(days=1)


def set_age(layout, age, only="**/*"):
    """Let all files, or some, be last changed ``age`` before WHEN."""
    for path in layout.root.glob(only):
        if path.is_file() and not path.is_symlink():
            moment = (WHEN - age).timestamp()
            os.utime(path, (moment, moment))


def make_lake(root, turns=TURNS):
    """Publish a snapshot for each set of keys; all files are two days old."""
    layout = Layout(root)
    for keys in turns:
        manifest = publish(layout, candidate(layout, keys))
        report = layout.report(str(manifest.number)) / "report.json"
        report.parent.mkdir(parents=True)
        report.write_text("{}")
    set_age(layout, 2 * DAY)
    return layout


def clean(layout, retention=ONE, now=WHEN):
    """Survey and collect."""
    return collect(layout, survey(layout, retention, now))


def listing(root):
    """All that lies below a folder."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))
