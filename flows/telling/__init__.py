"""What a run says of itself while it runs and when it ends: bars, artifacts, logs, figures."""
