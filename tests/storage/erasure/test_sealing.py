import pytest

from storage.erasure.sealing import seal, unseal

KEY, SECRET = b"k" * 32, "ärztin.txt, ärztin.txt".encode() * 20


def test_what_is_sealed_is_read_under_its_key_alone():
    """Without the key no byte tells anything, nor do two seals of the same."""
    first, second = seal(KEY, SECRET), seal(KEY, SECRET)

    assert unseal(KEY, first) == unseal(KEY, second) == SECRET
    assert first != second
    with pytest.raises(ValueError, match="another key"):
        unseal(b"x" * 32, first)


@pytest.mark.parametrize("text", ["", "bm90IHNlYWxlZA==", "no base64!"])
def test_what_was_never_sealed_is_an_error(text):
    """Nothing is made up of it."""
    with pytest.raises(ValueError):  # noqa: PT011 - base64's or ours
        unseal(KEY, text)
