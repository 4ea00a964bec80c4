"""The network's EVM chain: embedded in this process, or any JSON-RPC URL in its place.

The embedded chain runs real EVM bytecode (py-evm, Shanghai rules), makes one block for each
transaction the moment it arrives, and keeps everything in one SQLite file.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain.errors import RpcError
from ocean_lib.localnet.chain.server import wsgi_app
from ocean_lib.localnet.chain.store import ChainStore, ChainUnusableError
from ocean_lib.localnet.http.server import is_loopback

if TYPE_CHECKING:
    import requests

    from ocean_lib.localnet.chain.engine import ChainEngine
    from ocean_lib.localnet.chain.methods import Methods

__all__ = [
    "ChainClient",
    "ChainUnreachableError",
    "ChainUnusableError",
    "EmbeddedChain",
    "RemoteChain",
    "RpcError",
]

_EVM_FRAMES = 12 * 1024
"""Python frames of the deepest chain of calls between contracts, as py-evm reckons."""
_MAX_ANSWER_BYTES = 64 * 1024**2
"""Of another node: a block's receipts or logs are the longest."""
DEFAULT_CHAIN_ID = 8996
"""The chain id of Ocean's own local network (barge), which its tools expect."""


class ChainUnreachableError(ConnectionError):
    """No answer that could be understood came from the chain's URL."""


class ChainClient(Protocol):
    """Whatever answers JSON-RPC calls; any RPC URL can stand in for the embedded chain."""

    def call(self, method: str, *params: Any) -> Any:
        """Make one JSON-RPC call, JSON values in and out.

        Raises:
            RpcError: The chain answered with an error.
        """


class EmbeddedChain:
    """An EVM chain in this process; any number of threads may call it.

    Args:
        path: The SQLite file; made if it is not there, continued if it is. None keeps the chain
            in memory, and nothing after ``close``. One process at a time has the file open.
        chain_id: The chain id; that of the file if it exists.
        funded: Balance in wei of each address in the first block; used for a new chain only.

    Raises:
        ValueError: The file's chain has another id, or an address or balance is malformed.
        ChainUnusableError: The file is not a chain, or is open in another process.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        chain_id: int = DEFAULT_CHAIN_ID,
        funded: Mapping[str, int] | None = None,
    ) -> None:
        engine_class, methods_class = _import_engine()
        balances = {_address(address): _wei(wei) for address, wei in (funded or {}).items()}
        store = ChainStore(path)
        try:
            self._engine = engine_class(store, chain_id=chain_id, funded=balances)
        except BaseException:
            store.close()
            raise
        self._methods = methods_class(self._engine)
        self._path = path

    def __repr__(self) -> str:
        return f"EmbeddedChain(path={self._path}, chain_id={self._engine.chain_id})"

    def call(self, method: str, *params: Any) -> Any:
        """Make one JSON-RPC call, JSON values in and out.

        Raises:
            RpcError: The chain refuses, does not know the method, or is closed.
        """
        return self._methods.call(method, params)

    def wsgi_app(self) -> Callable[..., Iterable[bytes]]:
        """Build a WSGI application that serves the chain over POST, on any path."""
        return wsgi_app(self._methods.call)

    def close(self) -> None:
        """Finish the block being written and close the file; a second call does nothing."""
        self._engine.close()


class RemoteChain:
    """A chain behind a JSON-RPC URL, such as anvil's or a real node's.

    Args:
        url: Where it listens.
        timeout_s: How long to wait for it to accept a connection, and for each part of an answer.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0) -> None:
        import requests

        self._url = url
        self._timeout_s = timeout_s
        self._session = requests.Session()
        # Proxies of the environment are for other machines, whatever NO_PROXY says.
        self._session.trust_env = not is_loopback(urlsplit(url).hostname or "")
        self._ids = itertools.count(1)

    def __repr__(self) -> str:
        return f"RemoteChain({self._shown()})"

    def call(self, method: str, *params: Any) -> Any:
        """Make one JSON-RPC call, JSON values in and out.

        Raises:
            RpcError: The chain answered with an error.
            ChainUnreachableError: No answer came in time, or one that is not JSON-RPC.
        """
        import requests

        request_id = next(self._ids)
        request = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        try:
            with self._session.post(
                self._url, json=request, timeout=self._timeout_s, allow_redirects=False, stream=True
            ) as response:
                answer = safe_json.loads(b"".join(_pieces(response)))
        except (requests.RequestException, ValueError) as error:
            # Its text would show the whole URL, which often holds an API key.
            raise ChainUnreachableError(
                f"{method} failed: no JSON-RPC answer from {self._shown()} within"
                f" {self._timeout_s:g} s ({type(error).__name__}). Check that the node runs"
                " and that the URL is its RPC URL."
            ) from None
        if not _is_answer(answer, request_id):
            raise ChainUnreachableError(
                f"{method} failed: {self._shown()} answered HTTP {response.status_code} with"
                " something that is not JSON-RPC. Check that the URL is its RPC URL."
            )
        if answer.get("error"):
            raise _as_rpc_error(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        self._session.close()

    def _shown(self) -> str:
        parts = urlsplit(self._url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}"


def _pieces(response: requests.Response) -> Iterator[bytes]:
    left = _MAX_ANSWER_BYTES
    for piece in response.iter_content(64 * 1024):
        left -= len(piece)
        if left < 0:
            raise ValueError("the answer is too long")
        yield piece


def _is_answer(answer: Any, request_id: int) -> bool:
    if not isinstance(answer, dict):
        return False
    if answer.get("error"):
        return answer.get("id") in (None, request_id)
    return "result" in answer and type(answer.get("id")) is int and answer["id"] == request_id


def _import_engine() -> tuple[type[ChainEngine], type[Methods]]:
    """Import py-evm, which takes up to a second: only who makes a chain pays for it."""
    before = sys.getrecursionlimit()
    from ocean_lib.localnet.chain.engine import ChainEngine
    from ocean_lib.localnet.chain.methods import Methods

    # Importing it raises the limit for the whole process to 100,000 frames: far beyond what a
    # thread's stack holds, and 8 times what a contract can use.
    sys.setrecursionlimit(max(before, _EVM_FRAMES))
    return ChainEngine, Methods


def _as_rpc_error(error: Any) -> RpcError:
    if not isinstance(error, dict):
        return RpcError(-32000, str(error))
    code = error.get("code")
    number = code if isinstance(code, int) else -32000
    return RpcError(number, str(error.get("message", "")), error.get("data"))


def _address(text: str) -> bytes:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError(f"funded: expected an address, 0x and 40 hex digits; got {text!r}")
    return bytes.fromhex(text[2:])


def _wei(balance: int) -> int:
    if not 0 <= balance < 2**256:
        raise ValueError(f"funded: expected a balance in wei, 0 to 2**256 - 1; got {balance}")
    return balance
