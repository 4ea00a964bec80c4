"""The requests of an Ocean Node, one function each: built, sent, and read.

What is signed: keccak256 of `consumerAddress + nonce + command`, without the hash's leading zero
bytes, as EIP-191 (recorded in tests/vectors/ocean-node).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from ocean_lib.backends.environment import Environments
from ocean_lib.backends.node.answers import (
    NodeJob,
    check_ok,
    error_of,
    jobs_of,
    words_of,
)
from ocean_lib.backends.node.asset_findings import NodeFile
from ocean_lib.backends.node.bodies import Payment, start_body
from ocean_lib.backends.node.environments import environments_of
from ocean_lib.backends.node.terms import Terms, terms_of
from ocean_lib.backends.signing import Credential
from ocean_lib.exceptions import InvalidInput, MalformedResponse, SignatureRejected
from ocean_lib.http.exchange import Answer, HttpExchange
from ocean_lib.http.redaction import one_line
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.jobs.view import whole_number
from ocean_lib.models.file_input import FileInput

START_FREE = "freeStartCompute"
START_PAID = "startCompute"
STOP = "stopCompute"
RESULT = "getComputeResult"
LOGS = "getComputeStreamableLogs"
CREATE_TOKEN = "createAuthToken"  # noqa: S105 - a command's name
INVALIDATE_TOKEN = "invalidateAuthToken"  # noqa: S105

ENCRYPT = "encrypt"
VALIDATE = "validateDDO"

_MAX_REFUSAL_BYTES = 100_000
_HEX = re.compile("0x[0-9a-fA-F]+")
_SIGNATURE = re.compile("nonce|signature|authentication", re.IGNORECASE)


def signed_bytes(address: str, nonce: int, command: str) -> bytes:
    """Return what a call signs: the hash of its text, without leading zero bytes.

    A node converts the hash to a number and back, so a hash that begins with zeros is shorter
    there; a signature over all 32 bytes is refused, one time in 256.
    """
    from Crypto.Hash import keccak

    text = f"{address}{nonce}{command}".encode()
    return keccak.new(data=text, digest_bits=256).digest().lstrip(b"\0")


def get_nonce(http: HttpExchange, method: str, url: str, address: str) -> int:
    """Ask for the nonce that is stored for an address; 0 for one that was never seen."""
    answer = http.send(
        method, url, operation="get the nonce", params={"userAddress": address}, retry=True
    )
    said = check_ok(answer).json()
    nonce = whole_number(said.get("nonce")) if isinstance(said, dict) else None
    if nonce is None or nonce < 0:
        raise answer.malformed('{"nonce": a whole number}', answer.text())
    return nonce


def get_environments(http: HttpExchange, url: str) -> Environments:
    """Return where jobs can run; one entry for each way to pay that an environment offers."""
    answer = http.send("GET", url, operation="list the compute environments", retry=True)
    found = environments_of(check_ok(answer).json())
    if found is None:
        raise answer.malformed("environments with id and resources", answer.text())
    return found


def start_job(
    http: HttpExchange,
    url: str,
    plan: JobPlan,
    environment: str,
    given: Credential,
    payment: Payment | None = None,
) -> NodeJob:
    """Start a job, paid with a payment. Sent once: a repeated request would start a second job."""
    answer = http.send(
        "POST",
        url,
        operation="start the job",
        json_body=_signed(plan.consumer, given) | start_body(plan, environment, payment),
        headers=_headers(given),
    )
    jobs = jobs_of(answer)
    if len(jobs) != 1:
        raise answer.malformed("one job", f"{len(jobs)} jobs")
    return jobs[0]


def get_terms(http: HttpExchange, url: str, body: dict[str, Any]) -> Terms:
    """Ask what a job costs, which orders are valid and which are missing; unsigned."""
    answer = http.send("POST", url, operation="ask what the job costs", json_body=body, retry=True)
    found = terms_of(check_ok(answer).json())
    if found is None:
        raise answer.malformed("orders and a payment", answer.text())
    return found


def get_jobs(
    http: HttpExchange, url: str, owner: str, job_id: str = ""
) -> tuple[list[NodeJob], float]:
    """Return one job, or with '' all of an owner, and the node's clock; unsigned.

    A node that does not understand the id gives all jobs of the owner, too.
    """
    query = {"consumerAddress": owner, **({"jobId": job_id} if job_id else {})}
    operation = "get the job" if job_id else "list the jobs"
    answer = http.send("GET", url, operation=operation, params=query, retry=True)
    return jobs_of(answer), _clock_of(answer)


def _clock_of(answer: Answer) -> float:
    """Return the node's clock in epoch seconds (its Date header has whole seconds)."""
    try:
        return parsedate_to_datetime(answer.date).timestamp()
    except (TypeError, ValueError, LookupError, ArithmeticError, OSError):
        return time.time()


def file_reaches(http: HttpExchange, url: str, file: FileInput) -> bool:
    """Ask whether the node reads anything at a place; unsigned."""
    return all(files_reach(http, url, file.as_file_object()))


def files_reach(http: HttpExchange, url: str, where: dict[str, Any]) -> list[bool]:
    """Ask whether the node reads anything of each file at a place; unsigned.

    Of a file that it cannot read it says that it is valid and has no bytes.

    Args:
        http: sends the request.
        url: of the node's `fileInfo`.
        where: a file object, or `did` and `serviceId` of a published one.
    """
    answer = http.send("POST", url, operation="look at the file", json_body=where, retry=True)
    said = check_ok(answer).json()
    if not (isinstance(said, list) and said and all(isinstance(one, dict) for one in said)):
        raise answer.malformed("a list of files", answer.text())
    return [
        one.get("valid") is True and whole_number(one.get("contentLength")) != 0 for one in said
    ]


def published_files(http: HttpExchange, url: str, did: str, service_id: str) -> list[NodeFile]:
    """Return the files of a service as the node sees them, with checksums; unsigned."""
    body = {"did": did, "serviceId": service_id, "checksum": True}
    answer = http.send("POST", url, operation="look at the files", json_body=body, retry=True)
    said = check_ok(answer).json()
    if not (isinstance(said, list) and all(isinstance(one, dict) for one in said)):
        raise answer.malformed("a list of files", answer.text())
    return [
        NodeFile(
            one.get("valid") is True and whole_number(one.get("contentLength")) != 0,
            str(one.get("checksum") or ""),
        )
        for one in said
    ]


def encrypt(
    http: HttpExchange, url: str, owner: str, chain_id: int, content: bytes, given: Credential
) -> str:
    """Return content as the node encrypts it for itself, as `0x` text."""
    answer = http.send(
        "POST",
        url,
        operation="encrypt",
        params=_signed(owner, given) | {"chainId": str(chain_id)},
        data=content,
        headers=_headers(given) | {"Content-Type": "application/octet-stream"},
    )
    text = check_ok(answer).body.decode("latin-1").strip()
    if not _HEX.fullmatch(text):
        raise answer.malformed("0x and hex digits", answer.text())
    return text


def validate(
    http: HttpExchange, url: str, owner: str, document: dict[str, Any], given: Credential | None
) -> str:
    """Let the node check a document; returns the hash that it signs, '' where it signs none.

    Args:
        http: sends the request.
        url: of the node's `validateDDO`.
        owner: who publishes it.
        document: the DDO.
        given: the publisher's signature; None to have it checked only.

    Raises:
        InvalidInput: the node refuses the document; the message says why.
    """
    body: dict[str, Any] = {"ddo": document}
    if given is not None and given.nonce is not None:
        nonce = {"nonce": str(given.nonce), "signature": given.signature}
        body |= {"publisherAddress": owner, **nonce}
    headers = _headers(given) if given is not None else {}
    answer = http.send("POST", url, operation="validate", json_body=body, headers=headers)
    words = words_of(answer)
    if answer.status_code == 400 and not _SIGNATURE.search(words):
        raise InvalidInput(f"The node refuses the document: {one_line(words, 1000)}.")
    check_ok(answer)
    if given is None:
        return ""
    said = answer.json()
    found = said.get("hash") if isinstance(said, dict) else None
    if not (isinstance(found, str) and _HEX.fullmatch(found)):
        raise answer.malformed("a document's hash and signature", answer.text())
    return found


def put_stop(
    http: HttpExchange, url: str, owner: str, job_id: str, given: Credential
) -> list[NodeJob]:
    """Ask to stop one job; returns it, or nothing if the owner has no such job."""
    answer = http.send(
        "PUT",
        url,
        operation="stop the job",
        params=_signed(owner, given) | {"jobId": job_id},
        headers=_headers(given),
    )
    if answer.status_code == 500 and words_of(answer) == "Internal Server Error":
        raise SignatureRejected(
            f"Could not stop the job: the node at {answer.url} answered HTTP 500: Internal Server "
            "Error. A node says so to a nonce that has moved, a wrong signature, or a job id of "
            "another node. Check the wallet, the job id and the node's URL.",
            operation=answer.operation,
            status_code=answer.status_code,
            provider_text=words_of(answer),
            url=answer.url,
        )
    return jobs_of(answer)


@contextmanager
def open_result(
    http: HttpExchange, url: str, owner: str, job_id: str, index: int, name: str, given: Credential
) -> Iterator[Iterator[bytes]]:
    """Open one file of a job's outcome."""
    query = _signed(owner, given) | {"jobId": job_id, "index": str(index)}
    with _opened(http, url, f"download {name}", query, given) as pieces:
        yield pieces


@contextmanager
def open_log(
    http: HttpExchange, url: str, owner: str, job_id: str, given: Credential
) -> Iterator[Iterator[bytes]]:
    """Open the log of a running job, which goes on until the job ends.

    Raises:
        JobNotFound: the algorithm does not run yet, or not any more.
    """
    query = _signed(owner, given) | {"jobId": job_id}
    with _opened(http, url, "follow the log", query, given) as pieces:
        yield pieces


@contextmanager
def _opened(
    http: HttpExchange, url: str, operation: str, query: dict[str, str], given: Credential
) -> Iterator[Iterator[bytes]]:
    with http.stream(url, operation=operation, params=query, headers=_headers(given)) as (
        response,
        pieces,
    ):
        if response.status_code != 200:
            body = bytearray()
            for piece in pieces:
                body += piece
                if len(body) > _MAX_REFUSAL_BYTES:
                    break
            raise error_of(
                Answer(response.status_code, bytes(body), response.headers, url, operation)
            )
        yield pieces


def create_token(
    http: HttpExchange,
    url: str,
    address: str,
    given: Credential,
    valid_until_ms: int | None = None,
) -> str:
    """Make an auth token: a master key of that node, for any account's jobs."""
    body: dict[str, Any] = {
        "address": address,
        "nonce": str(given.nonce),
        "signature": given.signature,
    }
    if valid_until_ms is not None:
        body["validUntil"] = valid_until_ms
    answer = http.send("POST", url, operation="make an auth token", json_body=body)
    said = check_ok(answer).json()
    token = said.get("token") if isinstance(said, dict) else None
    if isinstance(token, str) and token and token.isascii() and token.isprintable():
        return token
    raise MalformedResponse(
        f"Could not {answer.operation}: {answer.url} answered without a token.",
        operation=answer.operation,
        status_code=answer.status_code,
        url=answer.url,
    )


def invalidate_token(
    http: HttpExchange, url: str, address: str, token: str, given: Credential
) -> None:
    """Make a token worthless. The node checks nothing but that there is a signature."""
    body = {
        "address": address,
        "nonce": str(given.nonce),
        "signature": given.signature,
        "token": token,
    }
    check_ok(http.send("POST", url, operation="invalidate an auth token", json_body=body))


def _signed(owner: str, given: Credential) -> dict[str, str]:
    if given.nonce is None:
        return {"consumerAddress": owner}
    return {"consumerAddress": owner, "nonce": str(given.nonce), "signature": given.signature}


def _headers(given: Credential) -> dict[str, str]:
    """A token goes into this header as it is: with `Bearer ` the node refuses it."""
    return {} if given.nonce is not None else {"Authorization": given.signature}
