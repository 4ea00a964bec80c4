"""Compute jobs: what is kept of them, their queue, their folders."""
