import pytest

from mmcore.closing import Closing


class Door(Closing):
    """It knows how often it was closed."""

    closed = 0

    def close(self):
        """Once more."""
        self.closed += 1


def test_with_closes_whatever_happens():
    """Once, and an error goes on."""
    door = Door()
    with door as held:
        assert (held is door, door.closed) == (True, 0)
    assert door.closed == 1
    with pytest.raises(KeyError), door:
        raise KeyError
    assert door.closed == 2
