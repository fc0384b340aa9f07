"""Claims that somebody published, run again and compared number by number."""
