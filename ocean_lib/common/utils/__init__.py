"""Small helpers of the metadata side."""
