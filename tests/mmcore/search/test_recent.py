from mmcore.search.recent import Recent


def test_what_was_used_last_is_kept():
    """Two results at most; one that is used again outlives one that was made after it."""
    made, recent = [], Recent(2)

    def make(key):
        made.append(key)
        return key.upper()

    assert [recent.of(key, make) for key in "abacab"] == [*"ABACAB"]
    assert made == [*"abcb"]


def test_what_is_too_large_together_is_forgotten():
    """Ten bytes at most: the oldest goes, what is replaced counts no more, a giant stays out."""
    recent = Recent(9, 10, len)
    recent.keep({"a": "1234", "b": "1234"})
    recent.keep({"b": "123456"})
    assert recent.found("ab") == {"a": "1234", "b": "123456"}

    recent.keep({"c": "1"})
    assert recent.found("abc") == {"b": "123456", "c": "1"}
    recent.keep({"d": "12345678901"})
    assert recent.found("abcd") == {}
    recent.keep({"e": "1234567890"})
    assert recent.found("e") == {"e": "1234567890"}
