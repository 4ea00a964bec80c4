"""Published documents: kept, and found by queries."""
