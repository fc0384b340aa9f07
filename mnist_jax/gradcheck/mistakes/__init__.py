"""Known mistakes, and which of them a wrong gradient looks like."""
