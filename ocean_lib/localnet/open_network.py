"""The parts of a running network, opened one after the other and closed in reverse."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.localnet.chain.funding import fund
from ocean_lib.localnet.closing import close_all
from ocean_lib.localnet.dialects.dialect import Dialect, OnChain
from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.http.server import HttpServer, with_cors
from ocean_lib.localnet.options import origin_of
from ocean_lib.localnet.services import JobOptions, ListenAddress, Services
from ocean_lib.localnet.state.files import (
    DamagedFile,
    NetworkKeys,
    kept_keys,
    read_json,
    read_ports,
    write_json,
)
from ocean_lib.localnet.state.folder import (
    TEMPORARY,
    damaged,
    hold_folder,
    make_temporary,
    remove_abandoned,
    take_folder,
)

if TYPE_CHECKING:
    from ocean_lib.localnet.chain import ChainClient
    from ocean_lib.localnet.dialects.node.options import NodeOptions
    from ocean_lib.localnet.faults import Faults

_ACCOUNT_WEI = 1000 * 10**18
_GUEST_WEI = 100 * 10**18  # on a chain that others use too: anvil has 100,000 ether in all
_log = logging.getLogger(__name__)


GENERATIONS = ("v3", "node")


def dialect_of(generation: str, node: NodeOptions | None) -> Dialect:
    """Return how the servers of a generation talk.

    Args:
        generation: One of `GENERATIONS`.
        node: A node's settings.
    """
    # Loaded on demand: V3's brings contracts and documents with it.
    if generation == "node":
        from ocean_lib.localnet.dialects.node.dialect import NodeDialect

        return NodeDialect(node)
    from ocean_lib.localnet.dialects.v3.dialect import V3Dialect

    return V3Dialect()


class OpenNetwork:
    """Everything of a network that is running; `close` works at any stage.

    Args:
        state_dir: Where state is kept; None for a temporary folder.
        dialect: How its servers talk.

    Raises:
        LocalNetworkError: If the folder is not the network's to use.
    """

    keys: NetworkKeys
    contracts: Any
    services: Services
    chain: ChainClient
    rpc_url: str
    chain_id: int

    def __init__(self, state_dir: Path | None, dialect: Dialect) -> None:
        self.dialect = dialect
        remove_abandoned()
        if state_dir is None:
            self.folder, let_go = make_temporary()
        else:
            self.folder = take_folder(state_dir)
            let_go = hold_folder(self.folder)
            (self.folder / TEMPORARY).unlink(missing_ok=True)  # from now on it is kept
        self._closers: list[Callable[[], None]] = [let_go]
        self._saved_ports = self._read_ports()

    def open(
        self,
        *,
        host: str,
        ports: tuple[int, int],
        chain_url: str | None,
        chain_id: int,
        seed: str | int | None,
        account_count: int,
    ) -> None:
        """Open keys and chain, and deploy the contracts or find them."""
        self._host = host
        self._keep_generation()
        self.keys = self._kept_keys(seed, account_count)
        self._port = ports[0] or self._saved_ports.get("port", 0)
        self._open_chain(ports[1], chain_url, chain_id)

    def _open_chain(self, port: int, chain_url: str | None, chain_id: int) -> None:
        from eth_account import Account

        addresses = [
            Account.from_key(key).address for key in (self.keys.deployer, *self.keys.accounts)
        ]
        if chain_url is None:
            self._embedded_chain(port, chain_id, addresses)
        else:
            self._remote_chain(chain_url, addresses)
        self.chain_id = int(self.chain.call("eth_chainId"), 16)
        self.contracts = self.dialect.deploy(self.chain, self.keys)
        write_json(self.folder / "address.json", self.contracts.as_address_file())

    def serve(self, options: JobOptions, faults: Faults) -> None:
        """Start the dialect's servers and the runner."""
        self.services = Services(
            folder=self.folder,
            # Discovery tells its URL to whoever asks.
            chain=OnChain(self.chain, origin_of(self.rpc_url), self.contracts),
            keys=self.keys,
            listen=ListenAddress(self._host, self._port),
            dialect=self.dialect,
            options=options,
            faults=faults,
        )
        self._closers.append(self.services.close)
        self.services.start()
        self._saved_ports["port"] = self.services.port
        write_json(self.folder / "ports.json", self._saved_ports)

    def close(self) -> None:
        """Close what is open, the last first, even when something cannot be closed."""
        closers = [*reversed(self._closers)]
        self._closers.clear()
        close_all(closers)

    def _embedded_chain(self, port: int, chain_id: int, addresses: list[str]) -> None:
        from ocean_lib.localnet.chain import EmbeddedChain

        try:
            chain = EmbeddedChain(
                self.folder / "chain.db",
                chain_id=chain_id,
                funded=dict.fromkeys(addresses, _ACCOUNT_WEI),
            )
        except ValueError as error:  # the file's chain has another id
            raise BadOption(f"the network cannot start: {error}") from error
        self._closers.append(chain.close)
        self.chain = chain
        port = port or self._saved_ports.get("rpc_port", 0)
        server = HttpServer(
            with_cors(chain.wsgi_app()),
            port,
            name="localnet-rpc",
            host=self._host,
            threads=4,
            max_body_bytes=8 * 1024**2,
        )
        self._closers.append(server.stop)
        server.start()
        self.rpc_url = server.url
        self._saved_ports["rpc_port"] = server.port

    def _remote_chain(self, url: str, addresses: list[str]) -> None:
        from ocean_lib.localnet.chain import RemoteChain

        chain = RemoteChain(url)
        self._closers.append(chain.close)
        self.chain = chain
        self.rpc_url = url
        fund(chain, addresses, _GUEST_WEI)

    def _keep_generation(self) -> None:
        """Keep which generation the folder is of; one without that file is of V3."""
        path, mine = self.folder / "generation.json", self.dialect.generation
        try:
            kept = read_json(path) if path.exists() else ""
        except DamagedFile as error:
            raise damaged(path, error) from error
        if not kept and (self.folder / "network.db").exists():
            kept = "v3"
        if kept and kept != mine:
            raise BadOption(
                f"the network cannot start: {self.folder} is of a network of generation {kept}, "
                f"not {mine}. Choose another folder, or generation={kept!r} (--generation {kept})."
            )
        write_json(path, mine)

    def _kept_keys(self, seed: str | int | None, account_count: int) -> NetworkKeys:
        path, chain = self.folder / "keys.json", self.folder / "chain.db"
        if seed is None and not path.exists() and chain.exists() and chain.stat().st_size:
            raise damaged(path, DamagedFile(f"it is missing, and {chain.name} needs its keys"))
        try:
            return kept_keys(path, seed, account_count)
        except DamagedFile as error:
            raise damaged(path, error) from error

    def _read_ports(self) -> dict[str, int]:
        path = self.folder / "ports.json"
        try:
            return read_ports(path)
        except DamagedFile as error:
            _log.warning("%s is not used: %s. Other ports are chosen, and kept there.", path, error)
            return {}
