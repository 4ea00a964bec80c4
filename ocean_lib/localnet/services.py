"""Put a dialect's servers, the files and the jobs together behind one port."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from flask import has_request_context, request

from ocean_lib.localnet.closing import close_all
from ocean_lib.localnet.dialects.dialect import Dialect, NetworkParts, OnChain
from ocean_lib.localnet.faults import Faults
from ocean_lib.localnet.files.access import FileAccess, FileStore
from ocean_lib.localnet.http.faulty import with_faults
from ocean_lib.localnet.http.server import LOOPBACK, HttpServer, is_loopback, with_cors
from ocean_lib.localnet.jobs.engine import JobEngine
from ocean_lib.localnet.jobs.store import JobStore
from ocean_lib.localnet.runners import JobRunner, Limits
from ocean_lib.localnet.runners.local import LocalRunner
from ocean_lib.localnet.state.database import Database
from ocean_lib.localnet.state.files import NetworkKeys


@dataclass(frozen=True)
class ListenAddress:
    """Where a server listens.

    Attributes:
        host: The address.
        port: The port, or 0 for any.
    """

    host: str = LOOPBACK
    port: int = 0


@dataclass(frozen=True)
class JobOptions:
    """How jobs are run.

    Attributes:
        at_once: How many run at the same time; 0 for the number of cores.
        max_jobs: How many may wait or run.
        limits: What a job may use.
        results_lifetime_s: How long results and logs are kept and served after a job's end.
        isolation: What separates algorithms from this machine; None for the strongest.
        runner: Where algorithms run; None for processes of this machine.
    """

    at_once: int = 0
    max_jobs: int = 1000
    limits: Limits = field(default_factory=Limits)
    results_lifetime_s: float = 7 * 24 * 3600.0
    isolation: str | None = None
    runner: JobRunner | None = None


class Services:
    """The network's REST side.

    Args:
        folder: Where state is kept.
        chain: The chain and the contracts on it.
        keys: The network's keys.
        listen: Where to listen.
        dialect: How to talk.
        options: How jobs are run.
        faults: What goes wrong.
    """

    def __init__(
        self,
        *,
        folder: Path,
        chain: OnChain,
        keys: NetworkKeys,
        listen: ListenAddress,
        dialect: Dialect,
        options: JobOptions,
        faults: Faults,
    ) -> None:
        self._runner = options.runner or LocalRunner(
            folder / "tools", isolation=options.isolation, state=folder
        )
        self._database = Database(folder / "network.db")
        self._store = FileStore(folder / "files")
        self._faults = faults
        self._closing = threading.Event()
        # Users on other machines can publish URLs, and must not explore this machine's own
        # network with them.
        files = FileAccess(self._store, allow_private=is_loopback(listen.host))
        jobs = JobStore(self._database)
        self._engine = self._job_engine(jobs, files, folder / "jobs", dialect, options)
        self._servers = dialect.serve(
            NetworkParts(
                chain=chain,
                keys=keys,
                database=self._database,
                files=files,
                jobs=jobs,
                engine=self._engine,
                max_jobs=options.max_jobs,
                results_lifetime_s=options.results_lifetime_s,
                faults=faults,
                base_url=self._results_url,
                closing=self._closing,
            )
        )
        with_faults(self._servers, faults)
        try:
            self._server = HttpServer(
                with_cors(self._servers.app),
                listen.port,
                name="localnet-provider",
                host=listen.host,
                threads=dialect.threads,
            )
        except BaseException:
            self._database.close()
            raise

    def _job_engine(
        self,
        jobs: JobStore,
        files: FileAccess,
        folder: Path,
        dialect: Dialect,
        options: JobOptions,
    ) -> JobEngine:
        return JobEngine(
            jobs,
            self._runner,
            files,
            folder,
            layout=dialect.layout,
            at_once=options.at_once,
            limits=options.limits,
            results_lifetime_s=options.results_lifetime_s,
            faults=self._faults,
        )

    @property
    def url(self) -> str:
        """The base URL of Provider and metadata cache."""
        return self._server.url

    @property
    def port(self) -> int:
        """The port of Provider and metadata cache."""
        return self._server.port

    @property
    def provider_address(self) -> str:
        """The Provider's address."""
        return self._servers.address

    @property
    def isolation(self) -> str:
        """What separates algorithms from this machine."""
        return self._runner.isolation

    def start(self) -> None:
        """Take up unfinished jobs and begin to answer."""
        self._faults.open()
        self._engine.start()
        self._server.start()

    def publish(self, content: bytes | Path, name: str) -> str:
        """Keep a file for the Provider and return its URL."""
        # With the loopback address always: nobody asks for it, it is only a name.
        return f"http://{LOOPBACK}:{self.port}{self._store.add(content, name)}"

    def _results_url(self) -> str:
        # A client that used another of this machine's addresses must get the results there too.
        if self._server.listens_everywhere and has_request_context():
            return request.host_url.rstrip("/")
        return self.url

    def close(self) -> None:
        """Stop answering, end running jobs, close the database."""
        self._closing.set()
        close_all([self._faults.close, self._server.stop, self._engine.close, self._database.close])
