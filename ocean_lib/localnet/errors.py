"""Why a network cannot be started or used."""

from __future__ import annotations


class LocalNetworkError(RuntimeError):
    """The network cannot be started or used; the text says why and what to do."""


class BadOption(LocalNetworkError, ValueError):
    """An option has a value that cannot be used; another one can."""


class NoSuchAccount(LocalNetworkError, IndexError):
    """An account was asked for that the network does not have."""
