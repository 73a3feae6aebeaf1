"""Whether a snapshot may serve: rules, a test that noise does not fool, checks that need none."""
