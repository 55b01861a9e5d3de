"""A load lab for threaded Python web services."""

import os

NUMPY_THREADS = "OPENBLAS_NUM_THREADS"
"""Numpy's library would start a thread for each core, which nothing here uses, and where it can't, end the
process by a SIGINT. Not for the target, whose app may use it."""
sets_numpy_threads = NUMPY_THREADS not in os.environ
os.environ.setdefault(NUMPY_THREADS, "1")
