"""ocean.py's place of the function that makes HTTP sessions."""

from ocean_lib.http.connections import get_requests_session

__all__ = ["get_requests_session"]
