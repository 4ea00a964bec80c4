"""Shared parts: service agreements, DDOs, the metadata cache client, HTTP."""
