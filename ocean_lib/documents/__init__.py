"""Assets as documents: read, described, searched, published."""
