"""Fixtures for the tests of programs that use Ocean: a network, assets, orders, wallets."""
