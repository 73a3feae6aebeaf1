import pytest
import torch

from mmcore.training.finetuning import loop


def test_a_pass_takes_each_pair_once(spec):
    """In an order of seed and epoch; one pair alone has nothing to be told apart from."""
    wanted = spec(batch_size=4)
    first = [place for part in loop._batches(9, wanted, 1) for place in part]

    assert len(first) == len(set(first)) == 8
    assert first == [place for part in loop._batches(9, wanted, 1) for place in part]
    assert first != [place for part in loop._batches(9, wanted, 2) for place in part]


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 4), (2, 2), (3, 2)])
def test_gradients_of_several_batches_make_one_step(
    tune, tmp_path, monkeypatch, accumulate, steps
):
    """27 pairs in batches of 7 are four batches: of two or three at once, two steps."""
    taken = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(
        torch.optim.AdamW, "step", lambda self: (taken.append(1), step(self))[1], raising=True
    )
    tune("siglip2", tmp_path / "to", epochs=1, batch_size=7, accumulate=accumulate)

    assert len(taken) == steps
