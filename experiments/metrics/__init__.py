"""The numbers of each task, computed from its runs: what metrics.json holds."""
