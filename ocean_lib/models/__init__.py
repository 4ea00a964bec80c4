"""Values of the protocol, and the contracts."""
