"""A handle on one job: poll it, wait for it, download its results, stop it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn, overload

from ocean_lib.backends.backend import JobRef, JobResult
from ocean_lib.backends.generation import Generation
from ocean_lib.base.arguments import check_folder, check_text, check_whole
from ocean_lib.base.tables import html_table, when
from ocean_lib.checks import check_place, parse_json, printable, trust_job_id
from ocean_lib.exceptions import InvalidInput, JobError, MalformedResponse, OceanError
from ocean_lib.http.limits import MAX_LOG_BYTES
from ocean_lib.jobs.awaiting import check_awaited
from ocean_lib.jobs.client import JobClient
from ocean_lib.jobs.following import followed
from ocean_lib.jobs.outputs import (
    DownloadReport,
    FileList,
    JobFile,
    Source,
    download_files,
    last_lines,
    read_end,
    read_file,
)
from ocean_lib.jobs.progress import Spinner, progress_bar, spinner
from ocean_lib.jobs.rounds import ListedAt
from ocean_lib.jobs.view import Job, JobStatus
from ocean_lib.jobs.waiting import DEFAULT_PATIENCE_S, OnUpdate, Wait, check_wait
from ocean_lib.jobs.waiting import wait as wait_for
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address

JUST_SEEN_S = 5.0
"""For so long after a poll a job is taken to run as it did then."""


class ComputeJob:
    """A job at a Provider; `OceanCompute.submit` and `OceanCompute.job` make them.

    Attributes:
        did: the data set the job runs on.
        job_id: the job's id at the Provider.
        order_tx: the order transaction of that data set; '' after re-attaching, until the first
            poll.
        last_status: what was seen last: by the last poll, or in the answer to the start; None
            after re-attaching, until the first poll.
        generation: of the back end that has the job (`v3` or `node`); '' until it is known.
        metadata: what its start gave to be kept with it (`submit(metadata=)`), with the client's
            own mark; {} at a V3 Provider, and after re-attaching until the first poll.
    """

    def __init__(
        self,
        client: JobClient,
        ref: JobRef,
        wallet: Signer,
        *,
        order_tx: str = "",
        last_status: JobStatus | None = None,
        generation: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._client = client
        self._ref = ref
        self._wallet = wallet
        self.did = ref.did
        self.job_id = ref.job_id
        self.owner = ref.owner
        self.order_tx = order_tx
        self.last_status = last_status
        self.generation = generation
        self.metadata: Mapping[str, Any] = metadata or {}
        self._seen_at = 0.0 if last_status is None else time.monotonic()

    @classmethod
    def of(
        cls, client: JobClient, job: Job, wallet: Signer, *, did: str = "", order_tx: str = ""
    ) -> ComputeJob:
        """Make a handle of a job that was listed, or just started on a data set."""
        status = job.status
        return cls(
            client,
            JobRef(did or job.did, job.id, signer_address(wallet)),
            wallet,
            order_tx=order_tx or status.order_tx,
            last_status=status,
            generation=job.generation.value,
            metadata=job.metadata,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], compute: Any, wallet: Signer) -> ComputeJob:
        """Make the handle that `to_dict` saved, for example in another process.

        Args:
            data: as `to_dict` returned it.
            compute: an `OceanCompute` for the same network.
            wallet: the one that started the job.

        Raises:
            TypeError: `compute` is not an `OceanCompute`.
            InvalidInput: something is missing, or it is the wrong wallet.
        """
        client = _client_of(compute)
        needed = ("did", "job_id", "owner")
        missing = (
            [key for key in needed if not isinstance(data.get(key), str)]
            if isinstance(data, Mapping)
            else needed
        )
        if missing:
            lost = ", ".join(missing)
            raise InvalidInput(f"This is not a saved job: it lacks {lost}.").advised("saved-job")
        if signer_address(wallet).lower() != data["owner"].lower():
            raise InvalidInput(
                f"Job {printable(data['job_id'])} belongs to {printable(data['owner'])}, "
                "and the wallet is "
                f"{signer_address(wallet)}. Use the wallet that started the job."
            )
        order_tx = check_text("order_tx", data.get("order_tx") or "")
        generation = _generation_in(data)
        trust_job_id(data["job_id"])  # a Provider made it
        did, job_id = check_place(data["did"], data["job_id"])
        ref = JobRef(did, job_id, signer_address(wallet))
        return cls(client, ref, wallet, order_tx=order_tx, generation=generation)

    def to_dict(self) -> dict[str, str]:
        """Return what is needed to re-attach, as a dict for JSON. It contains no key."""
        return {
            "did": self.did,
            "job_id": self.job_id,
            "owner": self.owner,
            "order_tx": self.order_tx,
            "generation": self.generation,
        }

    @property
    def environment(self) -> str:
        """Where it runs, by its id in `compute.environments()`; '' at a V3 Provider."""
        return self.last_status.environment if self.last_status else ""

    def __copy__(self) -> ComputeJob:
        again = object.__new__(type(self))
        vars(again).update(vars(self))
        return again

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A ComputeJob cannot be pickled: it holds connections and a wallet. Keep "
            "job.to_dict(), and make the handle again where it is needed, with "
            "compute.job(kept['did'], kept['job_id'], wallet)."
        )

    def __repr__(self) -> str:
        seen = self.last_status
        told = (_words(seen), seen.algorithm_end) if seen else ("not polled yet",)
        place = f" on {self.did}" if self.did else ""
        return f"ComputeJob({self.job_id!r}{place}, {', '.join(filter(None, told))})"

    def _repr_html_(self) -> str:
        status = self.last_status
        return html_table(
            [
                ("job", self.job_id),
                ("data set", self.did),
                ("owner", self.owner),
                ("state", status.state.value if status else "not polled yet"),
                ("status", f"{status.code} {status.text}" if status else ""),
                ("created", when(status.created_s) if status else ""),
                ("finished", when(status.finished_s) if status else ""),
                ("algorithm", status.algorithm_end if status else ""),
            ]
        )

    def status(self) -> JobStatus:
        """Poll the job: one unsigned request.

        Raises:
            JobNotFound: the Provider does not know this job of this wallet; `was_seen` says whether
                this client saw it before.
        """
        job = self._client.job(self._ref)
        self.generation = job.generation.value
        self.metadata = job.metadata
        return self.saw(job.status)

    def wait(
        self,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_update: OnUpdate | None = None,
        progress: bool | None = None,
        patience: float = DEFAULT_PATIENCE_S,
    ) -> JobStatus:
        """Wait until the job has ended: finished, failed, stopped or timed out.

        Args:
            timeout: how long to wait at most, in seconds; None for as long as it takes. The
                time-outs of the single requests are separate.
            poll_interval: seconds between polls; None for 0.2 s at first, growing to 30 s.
            on_update: called with each status that differs from the one before.
            progress: show the job's state and the time that has passed; None: only on a terminal
                or in a notebook.
            patience: for how many seconds polls may fail in a row before the wait gives up.

        Returns:
            The last status.

        Raises:
            JobTimeoutError: the time is used up; the job goes on.
            KeyboardInterrupt: its text says that the job goes on.
            JobNotFound: the Provider does not know this job of this wallet; if this client has seen
                it, only after `patience`.
            TransportError: no answer for longer than `patience`.
            InvalidInput: an argument cannot work; nothing was sent.
        """
        check_wait(timeout, poll_interval, patience, on_update)
        with spinner(progress, "Job") as shown:
            plan = self._plan(timeout, poll_interval, patience, _both(_show(shown), on_update))
            return wait_for(plan, lambda: self._look(plan))[self.job_id]

    async def wait_async(
        self,
        timeout: float | None = None,
        poll_interval: float | None = None,
        on_update: OnUpdate | None = None,
        patience: float = DEFAULT_PATIENCE_S,
    ) -> JobStatus:
        """Wait as `wait` does, without blocking the event loop: a thread runs only during a poll.

        Cancelling it ends the wait and does not touch the job. Each job is polled on its own; for
        hundreds of jobs, `asyncio.to_thread(compute.wait_all, jobs)` needs fewer requests.

        Args:
            timeout: as in `wait`.
            poll_interval: as in `wait`.
            on_update: as in `wait`; called in the event loop's thread.
            patience: as in `wait`.

        Returns:
            The last status.

        Raises:
            JobTimeoutError: the time is used up; the job goes on.
            JobNotFound: the Provider does not know this job of this wallet.
            TransportError: no answer for longer than `patience`.
            InvalidInput: an argument cannot work; nothing was sent.
        """
        import asyncio  # who awaits has loaded it; for others it is a tenth of our import time

        plan = self._plan(timeout, poll_interval, patience, on_update)
        while True:
            try:
                status = await asyncio.to_thread(self._bounded_status, plan)
            except OceanError as error:
                plan.failed(error)
            else:
                plan.saw({self.job_id: status})
            if not plan.unfinished():
                return plan.seen[self.job_id]
            await asyncio.sleep(plan.pause_s())

    def result(self) -> JobResult:
        """Return where the results and logs are; see `OceanCompute.result`."""
        return self._client.result(self._ref, check_signer(self._wallet))

    def files(self) -> FileList:
        """Return the files of the job's outcome: results, then logs.

        An Ocean Node's results are one archive, `outputs.tar`, which `download` unpacks.
        """
        return self._client.outputs(self._ref, check_signer(self._wallet))

    @overload
    def logs(self, *, tail: int | None = None, max_bytes: int | None = None) -> str: ...

    @overload
    def logs(
        self, *, follow: Literal[True], on_update: OnUpdate | None = None
    ) -> Iterator[str]: ...

    def logs(
        self,
        *,
        tail: int | None = None,
        max_bytes: int | None = None,
        follow: bool = False,
        on_update: OnUpdate | None = None,
    ) -> str | Iterator[str]:
        """Return the text of the algorithm's log, '' if there is none yet.

        Args:
            tail: only this many last lines, of a log of any length; None for all.
            max_bytes: the most to hold in memory; None for 100 MiB. With `tail`, earlier text is
                left out; without, a longer log is refused.
            follow: return an iterator instead that yields the log piece by piece while the job
                runs, and ends with it; without `tail` and `max_bytes`. V3 Providers show the log
                only when the job has ended, so there it comes at once then.
            on_update: with `follow`, called with each status that differs from the one before.

        Raises:
            InvalidInput: an argument cannot work; nothing was sent.
            ResponseTooLarge: it is longer than `max_bytes`; use `tail`, or `download`.
        """
        if follow:
            if tail is not None or max_bytes is not None:
                raise InvalidInput("follow=True shows the whole log: leave tail and max_bytes out.")
            return self._follow(on_update)
        if tail is not None:
            tail = check_whole("tail", tail, least=0)
        most = MAX_LOG_BYTES
        if max_bytes is not None:
            most = check_whole("max_bytes", max_bytes, least=1)
        source = self._source()
        logs = self._algorithm_logs()
        if tail is None:
            text = b"".join(read_file(source, file, most) for file in logs)
        else:
            ends = (read_end(source, file, tail, most) for file in logs)
            text = last_lines(b"".join(ends), tail)
        return LogText(text.decode("utf-8", "replace"))

    def open(self, name: str) -> io.BytesIO:
        """Return a small file of the outcome, in memory.

        Args:
            name: of the file, as in `files`.

        Raises:
            InvalidInput: the name is not text; nothing was sent.
            JobError: no file has this name.
            ResponseTooLarge: it is longer than the config's limit for an answer; use `download`.
        """
        check_text("name", name)
        return io.BytesIO(self._content(lambda found, _: found == name, name)[1])

    def result_json(self, name: str | None = None) -> Any:
        """Return a JSON result, parsed.

        Args:
            name: of the file; None if the job has just one that ends in .json.

        Raises:
            InvalidInput: the name is not text; nothing was sent.
            JobError: no file or several files match.
            MalformedResponse: it is not JSON.
        """
        if name is not None:
            check_text("name", name)
        found, content = self._content(
            lambda found, is_log: found == name if name else not is_log and found.endswith(".json"),
            name or "*.json",
        )
        try:
            return parse_json(content)
        except ValueError:
            pass
        raise MalformedResponse(
            f"The result {found} of job {self.job_id} is not JSON. Read it with job.open(name).",
            operation=f"read {found}",
        )

    def download(
        self,
        folder: str | Path,
        *,
        logs: bool = True,
        progress: bool | None = None,
        max_bytes: int | None = None,
    ) -> DownloadReport:
        """Download every result and log into a folder, each as it comes.

        A file is there whole or not at all. A broken transfer is resumed if the server allows that.
        One failed file does not stop the others.

        Args:
            folder: created if it does not exist.
            logs: also the logs.
            progress: show a progress bar; None: only on a terminal or in a notebook.
            max_bytes: refuse longer files; None for the length that the server announces or,
                without one, `downloads.max_bytes` of the config.

        Returns:
            The paths, in a report that also says what failed.

        Raises:
            InvalidInput: an argument cannot work; nothing was sent.
            JobError: there is no output (yet).
            DownloadError: there are files, and none could be downloaded.

        Warns:
            DownloadWarning: some files failed.
        """
        path = check_folder("folder", folder)
        if max_bytes is not None:
            max_bytes = check_whole("max_bytes", max_bytes, least=0)
        there = self.files()
        files = [file for file in there if logs or not file.is_log]
        if not files:
            what = "no results, only logs" if there else "no output"
            raise JobError(f"Job {self.job_id} has {what}.").advised("no-output")
        with progress_bar(
            progress, desc=f"{len(files)} file(s)", unit="B", unit_scale=True, unit_divisor=1024
        ) as bar:

            def on_bytes(count: int) -> None:
                check_awaited()
                bar.update(count)

            return download_files(
                self._source(), files, path, max_bytes=max_bytes, on_bytes=on_bytes
            )

    def stop(self, *, wait: bool = False) -> JobStatus:
        """Ask to stop the job, unless it has ended.

        A stop takes its time: an Ocean Node's job ends some seconds later. If the job was not seen
        in the last 5 s, it checks the state first: a back end marks a job that has ended as stopped
        too, and then other clients cannot tell the two apart.

        Args:
            wait: wait until the job has ended, and ask again where the back end forgot the stop: a
                node does when the stop comes in the seconds in which it starts the container.
                `status().stop_requested` tells.

        Returns:
            The status before the stop, or the last one if the job had ended or with `wait`.

        Raises:
            JobNotFound: the Provider does not know this job of this wallet.
        """
        status = self.last_status
        if status is None or not (status.is_finished or self._was_just_seen()):
            status = self.status()
        if status.is_finished:
            return status
        before = self._client.stop(self._ref, check_signer(self._wallet)).status
        if not wait:
            return before
        plan = self._plan(None, None, DEFAULT_PATIENCE_S, None)
        return wait_for(plan, lambda: self._look_stopped(plan))[self.job_id]

    def delete(self) -> bool:
        """Ask to delete the job, which most Providers do not do; see `OceanCompute.delete`."""
        return self._client.delete(self._ref, check_signer(self._wallet))

    def siblings(self) -> Sequence[Job]:
        """Return all jobs of this wallet at this back end."""
        return self._client.listed(self.owner, self.did)

    def listed_at(self) -> ListedAt:
        """Return where this job is listed: which client, which back end, whose jobs."""
        return id(self._client), self._client.root_of(self._ref), self.owner

    def saw(self, status: JobStatus) -> JobStatus:
        """Remember what was seen of the job; returns it."""
        self.last_status = status
        self._seen_at = time.monotonic()
        self.order_tx = self.order_tx or status.order_tx
        return status

    def _was_just_seen(self) -> bool:
        return time.monotonic() - self._seen_at <= JUST_SEEN_S

    def _bounded_status(self, plan: Wait) -> JobStatus:
        with plan.looking():
            return self.status()

    def _look(self, plan: Wait) -> None:
        try:
            status = self._bounded_status(plan)
        except OceanError as error:
            plan.failed(error)
        else:
            plan.saw({self.job_id: status})

    def _look_stopped(self, plan: Wait) -> None:
        self._look(plan)
        seen = plan.seen.get(self.job_id)
        if seen is None or seen.is_finished or seen.stop_requested or plan.is_failing(self.job_id):
            return
        try:
            self._client.stop(self._ref, check_signer(self._wallet))
        except OceanError as error:
            plan.failed(error)

    def _read(self, file: JobFile) -> bytes:
        return read_file(self._source(), file, self._client.http.max_answer_bytes)

    def _source(self) -> Source:
        return Source(self._client.http, lambda: self.listed_at()[1])

    def _content(self, is_wanted: Callable[[str, bool], bool], wanted: str) -> tuple[str, bytes]:
        """Return name and content of the one file that is wanted, by its name and if it is a log.

        Where no file of the outcome is, the archives among them are looked through.
        """
        files = self.files()
        found = [file for file in files if is_wanted(file.name, file.is_log)]
        if len(found) == 1:
            return found[0].name, self._read(found[0])
        inside: dict[str, bytes] = {}
        for archive in () if found else [file for file in files if file.is_archive]:
            from ocean_lib.jobs.unpacking import read_members  # it loads tarfile

            most = self._client.http.max_answer_bytes
            with self._source().pieces(archive, None) as pieces:
                inside |= read_members(
                    pieces, lambda name: is_wanted(name, False), most, f"read {archive.name}"
                )
        if len(inside) == 1:
            return next(iter(inside.items()))
        there = ", ".join(file.name for file in files) or "nothing yet"
        raise JobError(
            f"Job {self.job_id} has {len(found) or len(inside) or 'no'} result(s) "
            f"{printable(wanted, limit=100)}; there is {there}."
        )

    def _algorithm_logs(self) -> list[JobFile]:
        return [file for file in self.files() if file.is_log and file.is_algorithms]

    def _follow(self, on_update: OnUpdate | None) -> Iterator[str]:
        wallet = check_signer(self._wallet)

        @contextmanager
        def read_log() -> Iterator[Iterator[bytes]]:
            yield (piece for log in self._algorithm_logs() for piece in self._pieces_of(log))

        plan = self._plan(None, None, DEFAULT_PATIENCE_S, on_update)
        return followed(plan, self.status, lambda: self._client.follow(self._ref, wallet), read_log)

    def _pieces_of(self, file: JobFile) -> Iterator[bytes]:
        yield read_file(self._source(), file, MAX_LOG_BYTES)

    def _plan(
        self,
        timeout: float | None,
        poll_interval: float | None,
        patience: float,
        on_update: OnUpdate | None,
    ) -> Wait:
        return Wait(
            [self.job_id],
            timeout,
            poll_interval,
            patience,
            on_update,
            self._how_to_go_on,
            self._client.http.timeouts.total_s,
        )

    def _how_to_go_on(self, _: Sequence[str]) -> str:
        place = f" on {self.did}" if self.did else ""
        return (
            f"job {self.job_id}{place}. Re-attach with "
            f"compute.job({self.did!r}, {self.job_id!r}, wallet), end it with its stop()."
        )


def _client_of(compute: Any) -> JobClient:
    client = getattr(compute, "client", None)
    if not isinstance(client, JobClient):
        raise TypeError(
            f"compute must be an OceanCompute, got {type(compute).__name__}. Pass ocean.compute."
        )
    return client


def _generation_in(data: Mapping[str, Any]) -> str:
    kept = data.get("generation") or ""
    known = [generation.value for generation in Generation]
    if kept and kept not in known:
        raise InvalidInput(
            f"The saved job is of a back end of the generation {printable(kept)}; this version "
            f"knows {' and '.join(known)}. Use the version that saved it."
        )
    return str(kept)


class LogText(str):
    """A log: text, which a notebook shows line by line."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(self)}</pre>".encode("utf-8", "replace").decode()


class JobList(list[ComputeJob]):
    """Jobs, with a table for notebooks."""

    def _repr_html_(self) -> str:
        return html_table(
            (
                (
                    job.job_id,
                    job.did,
                    job.last_status.state.value if job.last_status else "",
                    job.last_status.text if job.last_status else "",
                    when(job.last_status.created_s) if job.last_status else "",
                )
                for job in self
            ),
            ("job", "data set", "state", "status", "created"),
        )


def _show(shown: Spinner) -> OnUpdate:
    return lambda status: shown.say(_words(status), ended=status.is_finished)


def _words(status: JobStatus) -> str:
    """What a job does, in its back end's words while it runs, in ours when it has ended."""
    return status.state.value if status.is_finished else status.text.strip() or status.state.value


def _both(first: OnUpdate, second: OnUpdate | None) -> OnUpdate:
    def both(status: JobStatus) -> None:
        first(status)
        if second is not None:
            second(status)

    return both
