"""The client of a Provider's REST API."""
