"""Very many runs at once: `python -m experiments.sweep`."""
