"""Sweeps, which train many runs together: `python -m experiments.sweep`."""
