"""Start and stop the whole network: chain, contracts, metadata cache, Provider, runner."""

from __future__ import annotations

import atexit
import logging
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.localnet.chain import ChainUnreachableError, ChainUnusableError, RpcError
from ocean_lib.localnet.chain.funding import CannotFund
from ocean_lib.localnet.chain.transactions import TransactionError
from ocean_lib.localnet.errors import BadOption, LocalNetworkError, NoSuchAccount
from ocean_lib.localnet.http.server import LOOPBACK, PortInUse, check_free, is_loopback
from ocean_lib.localnet.open_network import GENERATIONS, OpenNetwork, dialect_of
from ocean_lib.localnet.options import (
    checked_chain_url,
    checked_duration,
    checked_faults,
    checked_flag,
    checked_folder,
    checked_generation,
    checked_host,
    checked_isolation,
    checked_limits,
    checked_runner,
    checked_seed,
    checked_whole,
    origin_of,
)
from ocean_lib.localnet.runners.isolation import UnknownIsolation, tier_named
from ocean_lib.localnet.services import JobOptions
from ocean_lib.localnet.state.database import DatabaseUnusable
from ocean_lib.localnet.state.files import HIGHEST_PORT

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from ocean_lib.localnet.dialects.node.options import NodeOptions
    from ocean_lib.localnet.faults import Fault, Faults
    from ocean_lib.localnet.runners import JobRunner, Limits
    from ocean_lib.testing.client import Config, Wallet


_START_FAULTS = (
    PortInUse,
    CannotFund,
    UnknownIsolation,
    DatabaseUnusable,
    ChainUnusableError,
    ChainUnreachableError,
    RpcError,
    TransactionError,
    OSError,  # of the state folder: a full disk, a file that cannot be written
    sqlite3.Error,
)


_EXPOSED = (
    "The network on {host} can be reached from other machines. Nothing is encrypted on the way. "
    "Whoever reaches it can read the chain, the metadata and the states of jobs, can publish and "
    "compute once somebody gives them ether, and then runs code here under isolation {isolation}; "
    "files at private addresses are not read any more. Its keys are for play: never use them for "
    "anything of value."
)
_log = logging.getLogger(__name__)


class LocalNetwork:
    """A whole Ocean network, on 127.0.0.1 unless it is told otherwise.

    Use it as a context manager, or call `start` and `stop`. Networks are independent of each
    other; any number run side by side.

    Args:
        state_dir: A folder that keeps everything (chain, assets, nonces, jobs, results, keys)
            and continues with it: a new folder, an empty one, or one of an earlier network of
            that generation. None for a temporary folder that is removed at the end.
        generation: `v3` for contracts, metadata cache and Provider of Ocean V3; `node` for an
            Ocean Node and the contracts of its generation.
        node: A node's settings: its limits and environments.
        port: The port of the Provider and the metadata cache; 0 for the one that `state_dir`
            remembers, or any free one.
        rpc_port: The same for the chain's JSON-RPC.
        chain_url: A JSON-RPC URL to use in place of the embedded chain. A development node's own
            accounts (`eth_accounts`) fill up the network's accounts and its deployer to 100
            ether, if these have less than 1; on another chain they need ether before the start.
        chain_id: The embedded chain's id.
        seed: Makes the keys of a new network predictable, for recorded tests.
        account_count: How many funded accounts there are.
        jobs_at_once: How many jobs run at the same time; None for the number of cores.
        max_jobs: How many jobs may wait or run; starting more is answered with 503.
        limits: What a job may use.
        results_lifetime_s: How long results and logs are kept and served after a job's end.
        isolation: What separates algorithms from this machine: `bwrap`, `unshare` or
            `landlock`; None for the strongest that works here. The attribute `isolation`
            names it. If none works it is `refused`: the network starts, and jobs end with the
            reason and what to do about it. `limits` is UNSAFE and never chosen for you:
            algorithms can then read and change what you can.
        runner: Where algorithms run; None for processes of this machine.
        faults: What the Provider does wrong at first; see `ocean_lib.localnet.faults`. The
            attribute `faults` changes it while the network runs.
        host: The address to listen on. One that other machines can reach needs `expose` too.
        expose: Let other machines reach the network; what that means is logged as a warning.

    Raises:
        LocalNetworkError: If an option has a value that none can use.
    """

    def __init__(
        self,
        state_dir: str | Path | None = None,
        *,
        generation: str = "v3",
        node: NodeOptions | None = None,
        port: int = 0,
        rpc_port: int = 0,
        chain_url: str | None = None,
        chain_id: int = 8996,
        seed: str | int | None = None,
        account_count: int = 10,
        jobs_at_once: int | None = None,
        max_jobs: int = 1000,
        limits: Limits | None = None,
        results_lifetime_s: float = 7 * 24 * 3600.0,
        isolation: str | None = None,
        runner: JobRunner | None = None,
        faults: Iterable[Fault] = (),
        host: str = LOOPBACK,
        expose: bool = False,
    ) -> None:
        self._state_dir = checked_folder(state_dir)
        self._ports = (
            checked_whole("port", port, 0, HIGHEST_PORT),
            checked_whole("rpc_port", rpc_port, 0, HIGHEST_PORT),
        )
        if port and port == rpc_port and chain_url is None:
            raise BadOption(f"port and rpc_port are both {port}: expected two different ones")
        self._generation = checked_generation(generation, GENERATIONS)
        if generation != "node" and node is not None:
            raise BadOption("node: these settings are for generation='node'")
        self._node = node
        self._host = checked_host(host)
        self._expose = checked_flag("expose", expose)
        self._faults = checked_faults(faults)
        self._chain_url = checked_chain_url(chain_url)
        self._chain_id = checked_whole("chain_id", chain_id, 1)
        self._seed = checked_seed(seed)
        self._account_count = checked_whole("account_count", account_count, 1)
        self._job_options = JobOptions(
            at_once=0 if jobs_at_once is None else checked_whole("jobs_at_once", jobs_at_once, 1),
            max_jobs=checked_whole("max_jobs", max_jobs, 1),
            limits=checked_limits(limits),
            results_lifetime_s=checked_duration("results_lifetime_s", results_lifetime_s),
            isolation=checked_isolation(isolation),
            runner=checked_runner(runner),
        )
        self._lock = threading.Lock()
        self._running: OpenNetwork | None = None

    def __repr__(self) -> str:
        if self._running is None:
            return "LocalNetwork(not running)"
        chain = origin_of(self.rpc_url)
        return f"LocalNetwork({self.provider_url}, {self._generation}, chain {chain})"

    def __enter__(self) -> LocalNetwork:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> LocalNetwork:
        """Start everything and return when it answers.

        Raises:
            LocalNetworkError: If a port is taken, the state cannot be read, the folder for it
                holds other files, the chain refuses, or the host can be reached from elsewhere
                and `expose` is not set.
        """
        exposed = not is_loopback(self._host)
        if exposed and not self._expose:
            raise BadOption(
                f"the network cannot start: on {self._host} other machines can reach it. Pass "
                "expose=True (--expose) if they shall, or leave the host out."
            )
        with self._lock:
            if self._running is None:
                self._running = self._start()
                atexit.register(self.stop)
                if exposed:
                    _log.warning(_EXPOSED.format(host=self._host, isolation=self.isolation))
        return self

    def stop(self) -> None:
        """End running jobs, threads and servers, and remove the temporary folder.

        Stopping twice, or what never started, does nothing.
        """
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                atexit.unregister(self.stop)
                running.close()

    @property
    def generation(self) -> str:
        """Which of Ocean's generations it is of."""
        return self._generation

    @property
    def provider_url(self) -> str:
        """The base URL of the Provider, or of the node."""
        return self._parts.services.url

    @property
    def metadata_cache_url(self) -> str:
        """The base URL of the metadata cache, which a node is itself."""
        return self._parts.services.url

    @property
    def rpc_url(self) -> str:
        """The chain's JSON-RPC URL."""
        return self._parts.rpc_url

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return self._parts.chain_id

    @property
    def provider_address(self) -> str:
        """The Provider's address."""
        return self._parts.services.provider_address

    @property
    def contracts(self) -> Any:
        """The addresses of the contracts: an `OceanContracts`, or a node's `NodeContracts`."""
        return self._parts.contracts

    @property
    def address_file(self) -> Path:
        """A JSON file with the addresses of the contracts, as clients read it."""
        return self._parts.folder / "address.json"

    @property
    def state_dir(self) -> Path:
        """The folder with everything the network keeps."""
        return self._parts.folder

    @property
    def isolation(self) -> str:
        """What separates algorithms from this machine."""
        return self._parts.services.isolation

    @property
    def faults(self) -> Faults:
        """What the Provider does wrong; change it at any time, also before the start."""
        return self._faults

    @property
    def accounts(self) -> list[LocalAccount]:
        """The funded accounts: each has 1000 ether at first, 100 on a chain by `chain_url`."""
        from eth_account import Account

        return [Account.from_key(key) for key in self._parts.keys.accounts]

    @property
    def options(self) -> dict[str, dict[str, Any]]:
        """The client's options as a plain nested dict."""
        resources = {"provider.url": self.provider_url}
        if self._generation == "v3":  # a node is its own metadata cache
            resources["metadata_cache_uri"] = self.metadata_cache_url
            resources["provider.address"] = self.provider_address
        return {
            "eth-network": {"network": self.rpc_url, "address.file": str(self.address_file)},
            "resources": resources,
            # Where the client puts local files, in the subfolder `files`.
            "localnet": {"state": str(self.state_dir)},
        }

    @property
    def config(self) -> Config:
        """The client's configuration for this network."""
        from ocean_lib.testing.client import client_config

        return client_config(self.options)

    def wallet(self, index: int = 0) -> Wallet:
        """Make a client's wallet of one of the funded accounts.

        Args:
            index: Which account.

        Raises:
            LocalNetworkError: If there is no such account.
        """
        from ocean_lib.testing.client import client_wallet

        keys = self._parts.keys.accounts
        try:
            key = keys[index]
        except IndexError as error:
            raise NoSuchAccount(
                f"there is no account {index}: the network has {len(keys)}, counted from 0. Ask "
                "for one of them, or make more with account_count= in a new network."
            ) from error
        return client_wallet(self.rpc_url, key)

    def publish_file(self, content: str | Path | bytes, name: str | None = None) -> str:
        """Put a file where this network's Provider can read it, and nobody else.

        Nothing answers at the URL: only the Provider knows what it means, in `fileinfo`, in
        downloads and for jobs. So a local file can be a dataset without a web server.

        Args:
            content: A path, or the bytes themselves.
            name: What the file is called; needed with bytes.

        Returns:
            A URL to publish as a file of an asset.

        Raises:
            LocalNetworkError: If the path is not a file, or there is no name that can be used.
        """
        if not isinstance(content, bytes):
            content = Path(content)
            if not content.is_file():
                raise LocalNetworkError(f"cannot publish {content}: there is no such file")
            name = name or content.name
        if not name:
            raise LocalNetworkError("cannot publish bytes without a name: pass name=")
        try:
            return self._parts.services.publish(content, name)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise LocalNetworkError(f"cannot publish {name!r}: {reason}") from error

    @property
    def _parts(self) -> OpenNetwork:
        running = self._running
        if running is None:
            raise LocalNetworkError(
                "the network is not running: use `with LocalNetwork() as network:` or call start()"
            )
        return running

    def _start(self) -> OpenNetwork:
        try:
            self._check_machine()
            running = OpenNetwork(self._state_dir, dialect_of(self._generation, self._node))
        except _START_FAULTS as error:
            raise self._cannot_start(error) from error
        try:
            running.open(
                host=self._host,
                ports=self._ports,
                chain_url=self._chain_url,
                chain_id=self._chain_id,
                seed=self._seed,
                account_count=self._account_count,
            )
            running.serve(self._job_options, self._faults)
        except _START_FAULTS as error:
            running.close()
            raise self._cannot_start(error) from error
        except BaseException:
            running.close()
            raise
        return running

    def _check_machine(self) -> None:
        """Check that this machine has what was asked for, before anything is made or written."""
        options = self._job_options
        if options.runner is None and options.isolation is not None:
            tier_named(options.isolation)
        for port in self._ports if self._chain_url is None else self._ports[:1]:
            check_free(self._host, port)

    def _cannot_start(self, error: Exception) -> LocalNetworkError:
        reason = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            reason = f"{error.filename}: {error.strerror}"
        elif isinstance(error, sqlite3.Error) and self._state_dir is not None:
            reason = (
                f"chain.db or network.db in {self._state_dir} is damaged: {error}. Put copies "
                "back, or choose another folder."
            )
        kind = BadOption if isinstance(error, UnknownIsolation) else LocalNetworkError
        return kind(f"the network cannot start: {reason}")
