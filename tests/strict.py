"""Warnings are errors in the processes that tests start, but those that web3 7 causes by itself."""

from __future__ import annotations

_OF_WEB3_7 = (
    "websockets.legacy is deprecated",
    "websockets.client.connect is deprecated",
    "websockets.WebSocketClientProtocol is deprecated",
)
STRICT = ["-Werror", *(f"-Wignore:{text}:DeprecationWarning" for text in _OF_WEB3_7)]
"""For Python's command line, and for pytest's."""
