"""DDO: the document that describes an asset."""
