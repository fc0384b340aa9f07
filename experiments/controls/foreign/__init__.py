"""Gradients that other people wrote, as their users hold them."""
