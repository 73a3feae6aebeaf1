from mmcore.search.recent import Recent


def test_what_was_used_last_is_kept():
    """Two results at most; one that is used again outlives one that was made after it."""
    made, recent = [], Recent(2)

    def make(key):
        made.append(key)
        return key.upper()

    assert [recent.of(key, make) for key in "abacab"] == [*"ABACAB"]
    assert made == [*"abcb"]
