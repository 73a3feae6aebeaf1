"""What the devices did for each encoder: added up over its shards, told in a line."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from flows.config.index import StageWork
from mmcore.counting import number_of
from mmcore.types import EncoderKey
from tasks.embed import Embedded
from tasks.sight import ME

SHOWN = 3  # sizes of batches that a line names


class Throughput:
    """The shards of one run, as they are embedded; ``began``: when the first could have been.

    Times are of ``time.monotonic`` in this process; those of other machines are told by their
    calendars, which agree as well as the machines keep time.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._epoch = time.time() - time.monotonic()
        self._done: dict[EncoderKey, list[Embedded]] = defaultdict(list)

    def add(self, done: Embedded) -> None:
        """Count a finished shard."""
        if done.worker not in ("", ME):
            shift = done.epoch - self._epoch
            work = replace(done.work, began=done.work.began + shift, ended=done.work.ended + shift)
            done = replace(done, work=work)
        self._done[done.encoder].append(done)

    def of(self, key: EncoderKey, seconds: float) -> StageWork:
        """What is known of an encoder whose stage took ``seconds``."""
        done = self._done[key]
        works = [one.work for one in done]
        segments = sum(one.segments for one in done)
        model = sum(work.seconds for work in works)
        slots = {(one.work.device, one.work.slot, one.worker) for one in done}
        batches: Counter[int] = Counter()
        for work in works:
            batches.update(work.batches)
        settled = [work.settled for work in works if work.settled is not None]
        return StageWork(
            segments=segments,
            seconds=round(seconds, 3),
            rate=round(segments / seconds, 3) if seconds > 0 else 0.0,
            model_seconds=round(model, 3),
            busy=round(min(1.0, model / (seconds * len(slots))), 4) if seconds > 0 else 0.0,
            waited=round(self._waited(key), 3),
            batches=dict(sorted(batches.items())),
            halved=sum(work.halved for work in works),
            settled=min(settled, default=None),
            devices=tuple(device for device, *_ in sorted(slots)),
            dtype=", ".join(sorted({work.dtype for work in works})),
        )

    def _waited(self, key: EncoderKey) -> float:
        """Seconds that devices stood idle before a shard of this encoder was there for them."""
        turns: dict[tuple[str, int, str], list[tuple[float, float, EncoderKey]]]
        turns = defaultdict(list)
        for of, done in self._done.items():
            for one in done:
                work = one.work
                turns[work.device, work.slot, one.worker].append((work.began, work.ended, of))
        waited = 0.0
        for taken in turns.values():
            free = self._began
            for began, ended, of in sorted(taken, key=lambda turn: turn[:2]):
                if of == key:
                    waited += max(0.0, began - free)
                free = max(free, ended)
        return waited


def line(work: StageWork) -> str:
    """``480 segments, 39.0/s, cpu bfloat16 88 % busy, waited 0.7 s, batches 30×16``."""
    return ", ".join(_parts(work))


def _parts(work: StageWork) -> Iterable[str]:
    yield number_of(work.segments, "segment")
    yield f"{work.rate:,.1f}/s"
    yield f"{' '.join(_devices(work.devices))} {work.dtype} {work.busy:.0%} busy".replace(
        "%", " %"
    )
    yield f"waited {work.waited:.1f} s"
    if work.batches:
        yield f"batches {_batches(work.batches)}"
    if work.settled is not None:
        yield f"no memory for more than {work.settled} at once"


def _devices(names: Iterable[str]) -> list[str]:
    """Each once, with how many of it there are."""
    return [name if count == 1 else f"{count}×{name}" for name, count in Counter(names).items()]


def _batches(batches: dict[int, int]) -> str:
    """The commonest sizes, as count×size, and how many others there were."""
    commonest = sorted(batches.items(), key=lambda item: (-item[1], -item[0]))
    told = " ".join(f"{count}×{size}" for size, count in commonest[:SHOWN])
    others = sum(count for _, count in commonest[SHOWN:])
    return f"{told} and {number_of(others, 'other')}" if others else told
