"""A job's life, on any back end: planned, started, watched, its outcome brought home."""
