"""A node's compute calls: environments, free and paid starts, status, stop, results, logs."""

from __future__ import annotations

import os
import platform
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Response, g, request

from ocean_lib.localnet.dialects.dialect import NetworkParts
from ocean_lib.localnet.dialects.node.claims import ClaimPasses
from ocean_lib.localnet.dialects.node.credentials import Credentials
from ocean_lib.localnet.dialects.node.environments import Environments
from ocean_lib.localnet.dialects.node.jobs import is_queued, job_document, started_document
from ocean_lib.localnet.dialects.node.outputs import OUTPUTS, ResultFiles, content
from ocean_lib.localnet.dialects.node.payments import CannotPay, Payments
from ocean_lib.localnet.dialects.node.starting import Starts, number_of
from ocean_lib.localnet.dialects.node.wire import (
    SERVICES,
    Refused,
    as_json,
    as_text,
    body_of,
    check_address,
    hidden_refusal,
    json_refusal,
    refusing,
    require,
    text_refusal,
)
from ocean_lib.localnet.faults import ForgetStop, MissingImage
from ocean_lib.localnet.http.routes import Endpoint
from ocean_lib.localnet.jobs.records import LOG_NAME, JobRecord, JobStage, StopRequest

_COMPUTE = f"{SERVICES}/compute"
_FOLLOW_S = 0.1
_NOT_RUNNING = "Job not found or not running"
_INDEX = re.compile(r"\s*\d+(\.\d*)?\s*")


class ComputeApi:
    """The compute calls.

    Args:
        parts: The jobs, and what runs them.
        credentials: Who asks.
        environments: Where jobs run.
        starts: Checks starts.
        payments: Their money.
        passes: When jobs are settled.
    """

    def __init__(
        self,
        parts: NetworkParts,
        credentials: Credentials,
        environments: Environments,
        *,
        starts: Starts,
        payments: Payments,
        passes: ClaimPasses,
    ) -> None:
        self._jobs = parts.jobs
        self._engine = parts.engine
        self._faults = parts.faults
        self._closing = parts.closing
        self._max_unfinished = parts.max_jobs
        self._database = parts.database
        self._credentials = credentials
        self._environments = environments
        self._starts = starts
        self._payments = payments
        self._passes = passes
        self._files = ResultFiles(parts.engine)

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        listed, start = f"{SERVICES}/computeEnvironments", f"{SERVICES}/freeCompute"
        result, logs = f"{SERVICES}/computeResult", f"{SERVICES}/computeStreamableLogs"
        return [
            Endpoint("GET", listed, "environments", self.environments),
            Endpoint("POST", start, "start", refusing(json_refusal, self.start)),
            Endpoint("POST", _COMPUTE, "start", refusing(json_refusal, self.start_paid)),
            Endpoint("GET", _COMPUTE, "status", refusing(hidden_refusal, self.status)),
            Endpoint("PUT", _COMPUTE, "stop", refusing(hidden_refusal, self.stop)),
            Endpoint("DELETE", _COMPUTE, "delete", self.delete),
            Endpoint("GET", result, "results", refusing(text_refusal, self.result)),
            Endpoint("GET", logs, "logs", refusing(text_refusal, self.logs)),
        ]

    def environments(self) -> Response:
        """Answer with all environments; with none for a chain that is not served."""
        asked = request.args.get("chainId", "").strip()
        if asked.isdigit() and int(asked) != self._environments.chain_id:
            return as_json([])
        self._engine.drop_overdue()
        return as_json(self._environments.documents(self._jobs.unfinished()))

    def start(self) -> Response:
        """Answer a free start: check everything, queue the job."""
        data = self._signed_start("freeStartCompute", "algorithm", "datasets", "environment")
        self._engine.drop_overdue()
        self._starts.check_free_assets(data)
        with self._database.transaction():
            wanted = self._starts.free_request(
                data, self._unfinished("Too many running free jobs ")
            )
            if self._faults.take(MissingImage, "start") is not None:
                raise Refused(500, _no_image(wanted.algorithm.image))
            job = self._jobs.create(wanted, secrets.token_hex(32))
        answer = as_json([started_document(job, self._environments.cluster)])
        self._engine.enqueue(job)
        return answer

    def start_paid(self) -> Response:
        """Answer a paid start: check everything, lock the money, then look for the image."""
        fields = ("environment", "algorithm", "datasets", "maxJobDuration")
        data = self._signed_start("startCompute", *fields)
        if number_of(data["maxJobDuration"]) < 0:
            raise Refused(400, "Invalid maxJobDuration")
        self._environments.check_cluster(data["environment"])
        self._engine.drop_overdue()
        terms = self._starts.paid_terms(data, self._unfinished("Too many running jobs "))
        payment = self._starts.payment(data, terms)
        try:
            wanted = self._starts.request(data, terms)
        except Refused as error:  # a node sees this after it has locked the money
            raise Refused(400, error.text) from error
        job_id = secrets.token_hex(32)
        try:
            self._payments.lock(job_id, wanted, payment)
        except CannotPay as error:
            raise Refused(400, str(error)) from error
        if self._faults.take(MissingImage, "start") is not None:
            self._payments.give_up(job_id)
            raise Refused(400, _no_image(wanted.algorithm.image))
        job = self._payments.create(job_id, wanted)
        paid = self._payments.documents([job_id])[job_id]
        answer = as_json([started_document(job, self._environments.cluster, paid)])
        self._engine.enqueue(job)
        return answer

    def _unfinished(self, refusal: str) -> list[JobRecord]:
        unfinished = self._jobs.unfinished()
        if len(unfinished) >= self._max_unfinished:
            raise Refused(400, refusal)
        return unfinished

    def status(self) -> Response:
        """Answer with jobs: one by its id, all of an owner, or all of them."""
        query = request.args
        owner, agreement_id = query.get("consumerAddress", ""), query.get("agreementId", "")
        if owner:
            check_address(owner)
        job_id = query.get("jobId", "")
        if not (owner or agreement_id or job_id):
            raise Refused(400, 'Missing one of ["jobId","consumerAddress","agreementId"]')
        cluster, dash, short = job_id.partition("-")
        if dash and cluster:
            self._environments.check_cluster(job_id)
        self._engine.drop_overdue()
        found = self._jobs.select(owner, short if dash and cluster else "", agreement_id)
        return self._told(found, with_files=True)

    def stop(self) -> Response:
        """Answer a stop: it is noted, and done later; one that waits for its turn goes on."""
        query = request.args.to_dict()
        require(query, "stopCompute", "jobId")
        check_address(query.get("consumerAddress"))
        self._credentials.check(query, request.headers.get("Authorization"), "stopCompute")
        found = self._jobs.select(query["consumerAddress"], self._short(query["jobId"]))
        if self._faults.take(ForgetStop, "stop") is not None:
            forgotten = [replace(job, stop_request=StopRequest.OWNER) for job in found]
            return self._told(forgotten, with_files=False)
        stopped = self._jobs.request_stop(found)
        answer = self._told(stopped, with_files=False)
        self._engine.stop_jobs([job for job in stopped if not (job.ended or is_queued(job))])
        return answer

    def delete(self) -> Response:
        """Answer a deletion: a node has none."""
        return as_text("Not yet implemented!", 404)

    def result(self) -> Response:
        """Answer with one file of a job; with nothing if it is not there."""
        query = request.args.to_dict()
        require(query, "getComputeResult", "jobId", "index")
        self._check_reader(query)
        if not _INDEX.fullmatch(query["index"]):
            raise Refused(400, "Invalid result index")
        command = "getComputeResult"
        self._credentials.check(query, request.headers.get("Authorization"), command)
        job_id = self._short(query["jobId"])
        found = self._jobs.select("", job_id)
        if not job_id or not found:
            raise Refused(500, f"Cannot find job with id {job_id}")
        reader = query.get("consumerAddress", "undefined")
        if reader not in (found[0].owner, *(found[0].details.get("additionalViewers") or ())):
            text = f"{reader} is not authorized to get results for job with id {job_id}"
            raise Refused(500, text)
        return _sent(self._files.open(found[0], float(query["index"])))

    def logs(self) -> Response:
        """Answer with the log of a job while it runs, from its first line to its end."""
        query = request.args.to_dict()
        require(query, "getComputeStreamableLogs", "jobId")
        self._check_reader(query)
        command = "getComputeStreamableLogs"
        self._credentials.check(query, request.headers.get("Authorization"), command)
        job_id = self._short(query["jobId"])
        found = self._jobs.select("", job_id) if job_id else []
        if not found or found[0].status != JobStage.RUNNING:
            raise Refused(404, _NOT_RUNNING)
        response = Response(self._followed(found[0]), 200)
        del response.headers["Content-Type"]
        return response

    def _followed(self, job: JobRecord) -> Iterator[bytes]:
        position, running = 0, True
        while running and not self._closing.is_set():
            # First whether it runs, then the log: what it wrote until then is there.
            running = self._jobs.get(job.job_id).status == JobStage.RUNNING
            handle = self._engine.open_log(job, LOG_NAME)
            if handle is not None:
                os.lseek(handle, position, os.SEEK_SET)
                for chunk in content(handle):
                    position += len(chunk)
                    yield chunk
            if running:
                time.sleep(_FOLLOW_S)

    def _signed_start(self, command: str, *fields: str) -> dict[str, Any]:
        data = body_of(request)
        require(data, command, *fields)
        check_address(data.get("consumerAddress"))
        self._credentials.check(data, request.headers.get("Authorization"), command)
        return data

    def _check_reader(self, query: dict[str, Any]) -> None:
        if query.get("consumerAddress"):
            check_address(query["consumerAddress"])

    def _short(self, job_id: str) -> str:
        """Return a job's id without its cluster, which must be this one's."""
        self._environments.check_cluster(job_id)
        return job_id.partition("-")[2]

    def _told(self, jobs: list[JobRecord], *, with_files: bool) -> Response:
        last, paid = self._passes.last(), self._payments.documents([job.job_id for job in jobs])
        return as_json(
            [
                job_document(
                    job,
                    settled_before=last,
                    results=self._files.listed(job) if with_files else None,
                    payment=paid.get(job.job_id),
                )
                for job in jobs
            ]
        )


def _no_image(image: str) -> str:
    return (
        f"Cannot find image {image} for {platform.machine()}. Maybe it does not exist or it's "
        "build for other arhitectures."
    )


def _sent(found: tuple[str, int] | None) -> Response:
    if found is None:
        response = Response(b"", 200)
        del response.headers["Content-Type"]
        return response
    name, handle = found
    g.size = os.fstat(handle).st_size
    kind = "application/octet-stream" if name == OUTPUTS else "text/plain; charset=utf-8"
    return Response(content(handle), 200, content_type=kind)
