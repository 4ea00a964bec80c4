"""HTTP: the only place that makes sessions, bounds calls in time and hides secrets."""
