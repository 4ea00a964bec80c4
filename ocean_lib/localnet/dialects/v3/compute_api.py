"""The Provider's compute calls: start, status, stop, delete; and where results are served."""

from __future__ import annotations

import mimetypes
import os
from typing import Any, BinaryIO

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from ocean_lib.localnet.dialects.dialect import NetworkParts
from ocean_lib.localnet.dialects.v3.assets import asset_id, is_did
from ocean_lib.localnet.dialects.v3.jobs import job_document
from ocean_lib.localnet.dialects.v3.provider_api import SERVICES
from ocean_lib.localnet.dialects.v3.signatures import (
    NonceCounters,
    is_auth_token,
    signed_by,
)
from ocean_lib.localnet.dialects.v3.wire import (
    SIGNATURE_TEXT,
    FieldChecks,
    InvalidRequest,
    compact,
    page,
    parameters,
    refused,
    spaced,
    unavailable,
)
from ocean_lib.localnet.dialects.v3.workflow import ProviderWorld, RefusedStart, Workflow
from ocean_lib.localnet.eip191 import UnreadableSignature
from ocean_lib.localnet.faults import WithholdResults
from ocean_lib.localnet.http.routes import Endpoint
from ocean_lib.localnet.jobs.records import JobRecord

_COMPUTE = f"{SERVICES}/compute"


class ComputeApi:
    """The compute calls.

    Args:
        world: Chain, key, files and metadata.
        nonces: The Provider's nonces.
        parts: The jobs, what runs them, and where their results are served.
    """

    def __init__(self, world: ProviderWorld, nonces: NonceCounters, parts: NetworkParts) -> None:
        self._world = world
        self._nonces = nonces
        self._jobs = parts.jobs
        self._engine = parts.engine
        self._database = parts.database
        self._base_url = parts.base_url
        self._max_unfinished = parts.max_jobs
        self._faults = parts.faults

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        return [
            Endpoint("POST", _COMPUTE, "start", self.start),
            Endpoint("GET", _COMPUTE, "status", self.status),
            Endpoint("PUT", _COMPUTE, "stop", self.stop),
            Endpoint("DELETE", _COMPUTE, "delete", self.delete),
            Endpoint("GET", "/results/<token>/<path:name>", "results", self.result),
        ]

    def start(self) -> Response:
        """Answer POST: check everything, spend the nonce, queue the job."""
        data = parameters(request)
        nonce = self._check_start(data)
        try:
            workflow = Workflow(self._world, data, self._engine.limits.wall_s)
            job_request = workflow.check()
        except RefusedStart as error:
            return refused(str(error))
        with self._database.transaction():
            if self._jobs.count_unfinished() >= self._max_unfinished:
                return unavailable(self._full(), data)
            self._spend(data, nonce)
            job = self._jobs.create(job_request)
        answer = self._answer([job])
        self._engine.enqueue(job)
        return answer

    def status(self) -> Response:
        """Answer GET: an owner's jobs, with results if the signature is right."""
        data = parameters(request)
        checks = FieldChecks(data)
        checks.require("consumerAddress", bail=True)
        owner = str(data["consumerAddress"])
        signature = data.get("signature")
        authorised = False
        if signature:
            # An absent parameter becomes the word None in the text: the protocol's quirk.
            text = f"{owner}{data.get('jobId')}{data.get('documentId')}"
            nonce = self._nonces.value(owner)
            self._check_document(checks)
            checks.done()
            try:
                authorised = signed_by(owner, text, nonce, str(signature))
            except UnreadableSignature as error:
                return unavailable(str(error), data)
            if is_auth_token(str(signature)) or not self._nonces.spend(owner, nonce):
                authorised = authorised and is_auth_token(str(signature))
                self._nonces.advance(owner)
        if authorised and self._faults.take(WithholdResults, "result") is not None:
            authorised = False
        found = self._select(data, short_is_none=True)
        documents = [job_document(job, self._base_url(), authorised=authorised) for job in found]
        return compact(documents) if authorised else spaced(_sorted(documents))

    def stop(self) -> Response:
        """Answer PUT: stop a job, or all of the owner's without a job id."""
        data = parameters(request)
        nonce = self._check_owner(data)
        with self._database.transaction():
            self._spend(data, nonce)
            stopped = self._jobs.request_stop(self._select(data))
        answer = self._answer(stopped)
        self._engine.stop_jobs([job for job in stopped if not job.ended])
        return answer

    def delete(self) -> Response:
        """Answer DELETE: stop the jobs and take their results away."""
        data = parameters(request)
        nonce = self._check_owner(data)
        with self._database.transaction():
            self._spend(data, nonce)
            found = self._select(data)
            running = self._jobs.request_stop([job for job in found if not job.ended])
            self._jobs.mark_removed(found)
        self._engine.stop_jobs(running)
        for job in found:
            if job.ended:
                self._engine.forget(job)
        return compact("")

    def result(self, token: str, name: str) -> Response:
        """Answer GET of a result or a log: whoever has the URL may read it."""
        job = self._jobs.by_token(token)
        handle = self._engine.open_result(job, name) if job is not None else None
        if handle is None:
            return page(404)
        return _stored(os.fdopen(handle, "rb"), name)

    def _full(self) -> str:
        return (
            f"The queue is full: {self._max_unfinished} jobs are waiting or running. Nothing was "
            "started and the nonce has not moved. Try again when some have ended."
        )

    def _check_start(self, data: dict[str, Any]) -> int:
        owner = str(data.get("consumerAddress", ""))
        nonce = self._nonces.value(owner)
        text = f"{owner}{data.get('jobId') or ''}{data.get('documentId') or ''}"
        checks = FieldChecks(data)
        checks.require("documentId", bail=True)
        checks.require("serviceId")
        checks.require("consumerAddress", bail=True)
        checks.require("transferTxId")
        checks.require("output")
        checks.require_without("algorithmMeta", "algorithmDid")
        checks.require_without("algorithmDid", "algorithmMeta")
        checks.require_with_all("algorithmDid", ("algorithmDataToken", "algorithmTransferTxId"))
        checks.check_signature(lambda signature: signed_by(owner, text, nonce, signature))
        checks.done()
        return nonce

    def _check_owner(self, data: dict[str, Any]) -> int:
        owner = str(data.get("consumerAddress", ""))
        nonce = self._nonces.value(owner)
        text = f"{owner}{data.get('jobId') or ''}{data.get('documentId') or ''}"
        checks = FieldChecks(data)
        checks.require("consumerAddress", bail=True)
        checks.check_signature(lambda signature: signed_by(owner, text, nonce, signature))
        self._check_document(checks)
        checks.done()
        return nonce

    def _check_document(self, checks: FieldChecks) -> None:
        """Note a documentId that is not a DID, or not the job's.

        What is signed has no separators. If any text would do as a documentId, a signature that
        was used would be one for a shorter documentId and a later nonce, and be good once more.
        """
        did = str(checks.data.get("documentId") or "")
        if did and not is_did(did):
            checks.refuse("documentId", "The documentId format is invalid.")
        elif did and checks.data.get("jobId"):
            for job in self._select(checks.data):
                if asset_id(did) not in map(asset_id, job.input_dids):
                    checks.refuse(
                        "documentId", f"The documentId is not an input of job {job.job_id}."
                    )

    def _spend(self, data: dict[str, Any], nonce: int) -> None:
        owner = str(data["consumerAddress"])
        if is_auth_token(str(data["signature"])):
            self._nonces.advance(owner)
        elif not self._nonces.spend(owner, nonce):
            raise InvalidRequest({"signature": [SIGNATURE_TEXT]})

    def _select(self, data: dict[str, Any], *, short_is_none: bool = False) -> list[JobRecord]:
        named = [str(data.get(name) or "") for name in ("jobId", "transferTxId")]
        if short_is_none:  # to the real operator-service one character is no id, also in a stop
            named = [name if len(name) > 1 else "" for name in named]
        return self._jobs.select(str(data["consumerAddress"]), *named)

    def _answer(self, jobs: list[JobRecord]) -> Response:
        return compact([job_document(job, self._base_url(), authorised=True) for job in jobs])


def _stored(file: BinaryIO, name: str) -> Response:
    """Send a file, or the part that is asked for, as the stores of real results do."""
    there = os.fstat(file.fileno())
    response = Response(iter(lambda: file.read(65536), b""))
    response.call_on_close(file.close)
    response.headers["Content-Length"] = str(there.st_size)
    response.headers["Content-Type"] = _inert(mimetypes.guess_type(name)[0])
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_etag(f"{there.st_mtime_ns:x}-{there.st_size:x}")
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=there.st_size)
    except RequestedRangeNotSatisfiable:
        file.close()
        return page(416)
    return response


def _sorted(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [dict(sorted(document.items())) for document in documents]


def _inert(kind: str | None) -> str:
    # What an algorithm wrote must not run in a browser on this origin.
    if kind is None or "html" in kind or "xml" in kind or "javascript" in kind:
        return "application/octet-stream"
    return kind
