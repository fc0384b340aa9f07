"""The figures of each task, drawn from its runs and numbers."""
