"""HTTP, bounded in time and in size: one exchange, its failures, what may be shown of it."""
