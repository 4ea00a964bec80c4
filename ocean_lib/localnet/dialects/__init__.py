"""How the servers of one generation talk: one folder for each."""
