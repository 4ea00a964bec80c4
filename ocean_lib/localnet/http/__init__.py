"""Serve WSGI applications, and let faults happen to their requests."""
