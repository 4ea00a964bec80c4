"""Provider 0.4.x: its calls, what its answers mean, its rules, its orders on the chain."""
