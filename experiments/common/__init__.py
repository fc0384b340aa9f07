"""Code that the experiments share: command line, output, progress, claims, captions."""
