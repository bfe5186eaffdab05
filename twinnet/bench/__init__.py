"""Benchmarks: twinnet and its peers in turns, on the same data and threads, in one run."""
