"""What is said of what was judged."""

from tasks.gate import told_block
from tests.mmcore.evaluation.reporting.made import blocked


def test_a_refusal_counts_as_all_else_does():
    """One finding needs no count."""
    verdict = blocked()
    one = verdict.model_copy(update={"findings": verdict.findings[:1]})

    assert told_block(verdict).endswith("; in all, 1 finding blocks, 1 warning")
    assert "in all" not in told_block(one)
