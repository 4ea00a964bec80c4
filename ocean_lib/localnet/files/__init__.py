"""Files that assets name, and those that the network keeps itself."""
