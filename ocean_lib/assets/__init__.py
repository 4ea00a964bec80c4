"""Assets: published data sets and algorithms, and how to find them."""
