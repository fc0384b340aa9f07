"""The report as a page: `results/index.html`, one file that needs nothing else."""

from experiments.report.document import write

__all__ = ["write"]
