"""Speed of the training, compared with other libraries: `python -m experiments.benchmarks`."""
