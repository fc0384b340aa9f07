"""What every experiment shares: command line, output, progress, claims, captions."""
