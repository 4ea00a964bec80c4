"""Reading what a job left at a node, and its log while it runs: a signature for each reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.node import calls
from ocean_lib.backends.node.answers import ALGORITHM_LOG, ResultFile, no_result
from ocean_lib.backends.node.docker_frames import unframed
from ocean_lib.backends.node.wire import NodeWire
from ocean_lib.backends.signing import Credential
from ocean_lib.exceptions import DownloadError
from ocean_lib.http.deadline import SIGNED_READ_AGAIN, operation_limit
from ocean_lib.web3_internal.signer import Signer

FOLLOW_S = 7 * 24 * 3600.0
"""A log may be followed for so long; a node's jobs are shorter."""

FOLLOW_READ_S = 300.0


@contextmanager
def running_log(wire: NodeWire, ref: JobRef, signer: Signer) -> Iterator[Iterator[bytes]]:
    """Open the log of an algorithm that runs; a repeated one begins at the first line, too.

    Raises:
        JobNotFound: the algorithm does not run yet, or not any more.
    """
    url = wire.url_of("computeStreamableLogs")
    with ExitStack() as stack:

        def get(given: Credential) -> Iterator[bytes]:
            return stack.enter_context(calls.open_log(wire.http, url, ref.owner, ref.job_id, given))

        with operation_limit(FOLLOW_S, read_s=FOLLOW_READ_S):
            pieces = wire.signed(ref, signer, calls.LOGS, get, SIGNED_READ_AGAIN)
        yield unframed(pieces)


@contextmanager
def result(
    wire: NodeWire, ref: JobRef, signer: Signer, file: ResultFile
) -> Iterator[Iterator[bytes]]:
    """Open one file of a job's outcome.

    Raises:
        JobError: there is no such file (yet).
        NotYourJob: the job belongs to another wallet.
        DownloadError: it came shorter than the node lists it.
    """
    url = wire.url_of("computeResult")
    with ExitStack() as stack:

        def get(given: Credential) -> Iterator[bytes]:
            return stack.enter_context(
                calls.open_result(
                    wire.http, url, ref.owner, ref.job_id, file.index, file.name, given
                )
            )

        found = wire.signed(ref, signer, calls.RESULT, get, SIGNED_READ_AGAIN)
        pieces = _whole(found, file, ref.job_id)
        yield unframed(pieces) if file.kind == ALGORITHM_LOG else pieces


def _whole(pieces: Iterator[bytes], file: ResultFile, job_id: str) -> Iterator[bytes]:
    """Yield a file; what is shorter than its size is no such file, or was cut short."""
    done = 0
    for piece in pieces:
        done += len(piece)
        yield piece
    if file.size is not None and done < file.size:
        if not done:
            raise no_result(file.name, job_id)
        raise DownloadError(
            f"Could not download {file.name}: the node sent {done} of its {file.size} bytes. Try "
            "again."
        )
