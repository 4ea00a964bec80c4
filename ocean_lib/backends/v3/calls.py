"""The requests of a V3 Provider, one function each: built, sent, and read."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from ocean_lib.backends.v3.answers import (
    JobInfo,
    check_owner,
    check_status,
    error_of,
    jobs_of,
    started_job,
)
from ocean_lib.checks import check_address, check_service_index
from ocean_lib.exceptions import InvalidInput, OceanEncryptAssetUrlsError
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.safe_json import is_json
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.models.amounts import TokenAmount
from ocean_lib.models.compute_input import ComputeInput


class OrderRequirements(NamedTuple):
    """What it takes to order a service.

    Attributes:
        amount: datatokens to pay, in whole tokens (not base units); a Decimal that also counts
            with floats.
        data_token_address: the token to pay in.
        receiver_address: who gets them: the asset's publisher.
        nonce: the consumer's nonce at the Provider, at that moment.
        computeAddress: the address of the Provider's compute back end, if it has one.
    """

    amount: Decimal
    data_token_address: str
    receiver_address: str
    nonce: int
    computeAddress: str | None  # noqa: N815 - ocean.py's name


def compute_text(owner: str, job_id: str, did: str) -> str:
    """Return what a compute call signs, before its nonce (protocol: "What is signed")."""
    return f"{owner}{job_id}{did}"


def token_text(seconds: int) -> str:
    """Return what an auth token signs, at this moment in epoch seconds."""
    return f"Ocean Protocol Authentication\n{seconds}"


def get_nonce(http: HttpExchange, method: str, url: str, address: str) -> int:
    """Ask for the nonce that is stored for an address."""
    answer = http.send(
        method,
        url,
        operation="get the nonce",
        params={"userAddress": address},
        retry=True,
    )
    said = check_status(answer).json()
    nonce = said.get("nonce") if isinstance(said, dict) else None
    # An int 0 for an address never seen, then text: both were measured.
    if isinstance(nonce, str) and nonce.isascii() and nonce.isdigit() and len(nonce) < 78:
        return int(nonce)
    if isinstance(nonce, int) and not isinstance(nonce, bool) and nonce >= 0:
        return nonce
    raise answer.malformed('{"nonce": a whole number}', answer.text())


def start_job(http: HttpExchange, url: str, plan: JobPlan, signature: str) -> JobInfo:
    """Start a job. Sent once: a repeated request would start a second job."""
    answer = http.send(
        "POST", url, operation="start the job", json_body=start_body(plan, signature)
    )
    return started_job(answer, plan)


def start_body(plan: JobPlan, signature: str) -> dict[str, Any]:
    """Return the body that starts a job."""
    main = plan.main
    return {
        "signature": signature,
        "documentId": main.did,
        "consumerAddress": plan.consumer,
        "output": dict(plan.output),
        "jobId": plan.resumed_job_id,
        "serviceId": _service_id(main),
        "transferTxId": main.transfer_tx_id,
        "additionalInputs": [
            {**item.as_dictionary(), "serviceId": _service_id(item)} for item in plan.inputs[1:]
        ],
        **_algorithm(plan.algorithm),
    }


def _service_id(item: ComputeInput) -> int | str:
    """The Provider refuses the number 0 as missing, but takes the text "0"."""
    return check_service_index(item.service_id) or "0"


def _algorithm(algorithm: Algorithm) -> dict[str, Any]:
    if algorithm.meta is not None:
        return {"algorithmMeta": algorithm.meta.as_dictionary()}
    return {
        "algorithmDid": algorithm.did,
        "algorithmDataToken": algorithm.data_token,
        "algorithmTransferTxId": algorithm.tx_id,
    }


def get_jobs(
    http: HttpExchange,
    url: str,
    owner: str,
    *,
    did: str = "",
    job_id: str = "",
    signature: str = "",
) -> list[JobInfo]:
    """Return one job, or with '' all of an owner; signed, with the results' URLs."""
    answer = http.send(
        "GET",
        url,
        operation="get the job",
        params=_query(owner, did, job_id, signature),
        retry=not signature,
    )
    return check_owner(jobs_of(answer), owner, answer)


def list_jobs(http: HttpExchange, url: str, owner: str, did: str) -> tuple[list[JobInfo], float]:
    """Return all jobs of an owner, unsigned, and the Provider's clock in epoch seconds."""
    answer = http.send(
        "GET", url, operation="list the jobs", params=_query(owner, did, "", ""), retry=True
    )
    return check_owner(jobs_of(answer), owner, answer), _server_time(answer.date)


def put_stop(
    http: HttpExchange, url: str, owner: str, did: str, job_id: str, signature: str
) -> list[JobInfo]:
    """Ask to stop one job; with '' all of the owner. Returns them as they were before."""
    answer = http.send(
        "PUT", url, operation="stop the job", params=_query(owner, did, job_id, signature)
    )
    return check_owner(jobs_of(answer), owner, answer)


def delete_job(
    http: HttpExchange, url: str, owner: str, did: str, job_id: str, signature: str
) -> None:
    """Ask to delete one job."""
    answer = http.send(
        "DELETE", url, operation="delete the job", params=_query(owner, did, job_id, signature)
    )
    if isinstance(check_status(answer).json(), dict):  # an error, whatever the status says
        raise answer.malformed("an empty text", answer.text())


def _query(owner: str, did: str, job_id: str, signature: str) -> dict[str, str]:
    """Return the parameters of all compute calls but the start.

    `jobId` is always there, if empty: the Provider reads an absent one as the word `None`.
    """
    query = {"documentId": did, "consumerAddress": owner, "jobId": job_id}
    return {"signature": signature, **query} if signature else query


def _server_time(date: str) -> float:
    """Return the server's clock in epoch seconds (its Date header has whole seconds)."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, LookupError, ArithmeticError, OSError):
        return time.time()


def encrypt(
    http: HttpExchange, url: str, files: Any, asset_id: str, publisher: str, signature: str
) -> str:
    """Have a list of files encrypted so that only the Provider can read it; `0x` hex."""
    if not is_json(files):
        raise InvalidInput("files_dict must hold JSON values only: text, lists, dicts.")
    answer = http.send(
        "POST",
        url,
        operation="encrypt the list of files",
        json_body={
            "documentId": asset_id,
            "signature": signature,
            "document": json.dumps(files),
            "publisherAddress": publisher,
        },
    )
    if answer.status_code in (200, 201):
        said = answer.json()
        document = said.get("encryptedDocument") if isinstance(said, dict) else None
        if isinstance(document, str) and document:
            return document
        reason: Exception = answer.malformed("an encryptedDocument", answer.text())
    else:
        reason = error_of(answer)
    raise OceanEncryptAssetUrlsError(
        str(reason),
        operation=answer.operation,
        status_code=answer.status_code,
        provider_text=answer.text(),
        url=answer.url,
    )


def file_info(http: HttpExchange, method: str, url: str, question: dict[str, str]) -> list[bool]:
    """Tell of each file of an asset, or of one URL, whether the Provider reaches it."""
    answer = http.send(
        method,
        url,
        operation="ask whether the files can be reached",
        json_body=question,
        retry=True,
    )
    files = check_status(answer).json()
    if not (isinstance(files, list) and all(isinstance(file, dict) for file in files)):
        raise answer.malformed("a list of files", answer.text())
    return [file.get("valid") is True for file in files]


def initialize(http: HttpExchange, url: str, query: dict[str, str]) -> OrderRequirements:
    """Ask what it takes to order a service."""
    answer = http.send(
        "GET",
        url,
        operation=f"get the order requirements of {query['documentId']}",
        params=query,
        retry=True,
    )
    said = check_status(answer).json()
    try:
        amount = TokenAmount(str(said["numTokens"]))
        if not (amount.is_finite() and amount >= 0):
            raise ValueError
        compute_address = said.get("computeAddress")
        return OrderRequirements(
            amount,
            check_address(said["dataToken"], name="dataToken"),
            check_address(said["to"], name="to"),
            int(said["nonce"]),
            str(compute_address) if compute_address else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        pass
    raise answer.malformed("numTokens, dataToken, to and nonce", answer.text())
