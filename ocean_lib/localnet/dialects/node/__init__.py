"""Ocean Node 3.2: one server in place of Provider, metadata cache and engine; free compute."""
