"""Service types, agreements and who may consume an asset."""
