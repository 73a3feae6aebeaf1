"""Which item is trained on, which is tried on: given splits, else by caption hash; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.split import is_held_out

TRAIN: Final = "train"
VALIDATION: Final = "validation"
TEST: Final = "test"
SPLITS: Final = (TRAIN, VALIDATION, TEST)

_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}


def named(split: str) -> str:
    """``val`` → ``validation``; a name that is none of a split stays as it is."""
    return _NAMES.get(split.strip().lower(), split)


def split_folders(tops: Iterable[str]) -> frozenset[str]:
    """Which of the folders at the top are splits: pictures of trains may lie in ``train`` too.

    They are where there is no other folder, or where two different splits are among them.
    """
    every = set(tops)
    found = frozenset(top for top in every if named(top) in SPLITS)
    whole = found == every or len({named(top) for top in found}) > 1
    return found if whole else frozenset()


def divide(
    given: Sequence[str | None], keys: Sequence[Collection[str]], spec: DatasetSpec
) -> tuple[str, ...]:
    """(n,) the split of each item: the ``given`` one, else by the hash of its caption keys.

    An item is in the test split if any of its captions is held out, as ``split.fit_rows`` has it.
    Where no item is given to validation, a share of those to be trained on is, by hash.
    """
    told = [None if one is None else named(one) for one in given]
    parted = [
        one or (TEST if _held(mine, spec.held_out, _salt(spec)) else TRAIN)
        for one, mine in zip(told, keys, strict=True)
    ]
    if VALIDATION in told:
        return tuple(parted)
    return tuple(
        VALIDATION
        if one == TRAIN and _held(mine, spec.validation, f"validation/{_salt(spec)}")
        else one
        for one, mine in zip(parted, keys, strict=True)
    )


def without_leaks(
    splits: Sequence[str], keys: Sequence[Collection[str]]
) -> tuple[tuple[str | None, ...], dict[str, int]]:
    """The splits less what would leak, None for it, and how many items each split lost.

    Dropped is from train and validation what has a key in common with the test split, and from
    train what has one with validation. Splits of other names are left alone.
    """
    kept: list[str | None] = list(splits)
    dropped: Counter[str] = Counter()
    for asked, spoiled in ((TEST, (TRAIN, VALIDATION)), (VALIDATION, (TRAIN,))):
        seen = {k for one, mine in zip(kept, keys, strict=True) if one == asked for k in mine}
        for place, mine in enumerate(keys):
            name = kept[place] or ""
            if name in spoiled and not seen.isdisjoint(mine):
                kept[place] = None
                dropped[name] += 1
    return tuple(kept), {name: dropped[name] for name in (TRAIN, VALIDATION)}


def _salt(spec: DatasetSpec) -> str:
    return f"fold-{spec.fold}/" if spec.fold else ""


def _held(keys: Collection[str], share: float, salt: str) -> bool:
    return any(is_held_out(f"{salt}{key}", share) for key in keys)
