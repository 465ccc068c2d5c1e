"""Benchmarks: each prints one line that a script can read."""
