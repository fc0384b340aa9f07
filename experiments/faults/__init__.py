"""Damaged files and killed processes: `python -m experiments.faults`."""
