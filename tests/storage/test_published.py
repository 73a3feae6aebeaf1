import pytest

from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.published import current


@pytest.mark.parametrize("text", ["", "one", "猫"])
def test_a_damaged_pointer_is_named(tmp_path, text):
    """A CURRENT that holds no number is damage, not a lake without snapshots."""
    (tmp_path / "CURRENT").write_text(text, "utf-8")

    with pytest.raises(CorruptLakeError) as caught:
        current(Layout(tmp_path))
    assert caught.value.path == tmp_path / "CURRENT"
