"""The report's tasks as experiments: each module runs alone, `python -m experiments` runs all."""
