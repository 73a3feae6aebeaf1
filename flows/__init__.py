"""Prefect flows and the command line: the order of the stages; no work of their own."""

import os

# Threads of faiss and NumPy that wait are to sleep: spinning, they take the cores from others (an
# answer of a server costs a fifth more). It stands first, as it is read when a library loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
