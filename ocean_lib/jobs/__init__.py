"""A job's life, on any back end: planned, started, polled, its outcome downloaded."""
