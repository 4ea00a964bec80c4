"""Wallets, transactions and contracts on an EVM chain."""
