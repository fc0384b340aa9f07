"""How fast it is, against what a person would use instead: `python -m experiments.benchmarks`."""
