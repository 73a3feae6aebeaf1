from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.errors import NothingToLearnError
from mmcore.training.balance.features import Features, check_makeable, filled
from mmcore.training.balance.spec import GanSpec

QUICK = GanSpec(steps=10, hidden=16, noise=4)


def features(count=40, sounds=20):
    """Pictures of unit length, sounds of length 2 for the first items; two classes in turn."""
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    pictures = torch.nn.functional.normalize(torch.randn(count, 5, generator=draws), dim=1)
    heard = torch.nn.functional.normalize(torch.randn(count, 3, generator=draws), dim=1) * 2
    there = torch.arange(count) < sounds
    has = torch.stack([torch.ones(count, dtype=torch.bool), there], dim=1)
    return Features({"picture": pictures, "sound": heard * there[:, None]}, has, labels)


@pytest.mark.parametrize("how", ["gan", "mixup"])
def test_what_is_missing_is_filled_and_what_is_there_stays(how):
    """All have a sound then, as long as the true ones; the given tables are not changed."""
    before = features()
    kept = before.blocks["sound"].clone()
    after = filled(before, how, 0, QUICK)

    assert after.has.all()
    assert torch.equal(after.blocks["sound"][:20], kept[:20])
    assert torch.equal(after.blocks["picture"], before.blocks["picture"])
    torch.testing.assert_close(after.blocks["sound"][20:].norm(dim=1), torch.full((20,), 2.0))
    assert torch.equal(before.blocks["sound"], kept)
    assert int(before.has[:, 1].sum()) == 20


@pytest.mark.parametrize("how", ["gan", "mixup"])
def test_filling_is_decided_by_the_seed(how):
    """The same seed makes the same vectors, another one others."""
    one, again, other = (
        filled(features(), how, seed, QUICK).blocks["sound"] for seed in (1, 1, 2)
    )

    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_nothing_is_made_when_it_is_off():
    """`none` gives the features themselves."""
    before = features()

    assert filled(before, "none", 0) is before


def test_too_few_rows_teach_no_gan():
    """Of seven sounds none is made: the others stay missing."""
    assert torch.equal(filled(features(sounds=7), "gan", 0, QUICK).has, features(sounds=7).has)


def test_a_class_that_never_has_a_sound_gets_none_by_mixing():
    """Nor does an item without a label."""
    before = features()
    before.labels[30:] = 5
    before.labels[20] = -1
    has = filled(before, "mixup", 0).has[:, 1]

    assert has[:30].tolist() == [True] * 20 + [False] + [True] * 9
    assert not has[30:].any()


def test_items_can_be_shown_with_some_of_their_modalities_only():
    """`only` hides the others, and `take` picks items."""
    shown = features().only("sound").take(torch.tensor([0, 39]))

    assert shown.has.tolist() == [[False, True], [False, False]]
    assert shown.labels.tolist() == [0, 1]
    assert shown.blocks["picture"].shape == (2, 5)


def test_one_modality_alone_is_made_of_nothing():
    """A GAN has no other modality to go by: what is missing stays so."""
    whole = features()
    alone = Features({"sound": whole.blocks["sound"]}, whole.has[:, 1:], whole.labels)

    assert torch.equal(filled(alone, "gan", 0, QUICK).has, alone.has)
    assert filled(alone, "mixup", 0).has.all()


@pytest.mark.parametrize(
    ("how", "there", "labels", "works"),
    [
        ("gan", 8, 0, True),
        ("gan", 7, 0, False),
        ("gan", 9, 0, False),  # all have it
        ("mixup", 1, 0, True),
        ("mixup", 1, -1, False),  # the one that has it has no class
        ("mixup", 9, 0, False),
        ("none", 9, 0, True),
    ],
)
def test_what_could_be_made_is_known_beforehand(how, there, labels, works):
    """Of nine items, all with a picture and some with a sound; ``filled`` says the same."""
    has = np.array([[True, place < there] for place in range(9)])
    known = np.array([labels, *[0] * 8]) if there == 1 else np.zeros(9, dtype=np.int64)
    blocks = {"picture": torch.ones(9, 3), "sound": torch.ones(9, 2)}
    given = Features(blocks, torch.from_numpy(has), torch.from_numpy(known))
    gains = bool((filled(given, how, 0, QUICK).has & ~given.has).any())

    assert gains is (works and how != "none")
    if works:
        check_makeable(has, known, how)
    else:
        with pytest.raises(NothingToLearnError, match=f"synthesis={how}"):
            check_makeable(has, known, how)
