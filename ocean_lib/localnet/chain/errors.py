"""The error answers of JSON-RPC, and their codes."""

from __future__ import annotations

from typing import Any

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
EXECUTION_REVERTED = 3
"""geth's code for a call that the contract itself refused."""


class RpcError(Exception):
    """A JSON-RPC error answer: the chain was reached and said no.

    Attributes:
        code: The JSON-RPC error code.
        message: What the chain said.
        data: More about it, such as the ABI-encoded revert reason, or None.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(code, message, data)
        self.code = code
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return f"{self.message} (JSON-RPC code {self.code})"

    def as_json(self) -> dict[str, Any]:
        """Build the ``error`` member of a JSON-RPC answer."""
        error = {"code": self.code, "message": self.message}
        return error if self.data is None else {**error, "data": self.data}


def invalid_params(message: str) -> RpcError:
    """Build the error for parameters that the method cannot take."""
    return RpcError(INVALID_PARAMS, message)


def server_error(message: str, data: Any = None) -> RpcError:
    """Build the error for a request that is well formed but refused."""
    return RpcError(SERVER_ERROR, message, data)
