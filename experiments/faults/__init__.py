"""Tests with damaged files and killed processes: `python -m experiments.faults`."""
