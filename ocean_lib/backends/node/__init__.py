"""Ocean Node 3.2: its calls, what its answers mean, what it offers."""
