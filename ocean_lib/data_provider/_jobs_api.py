"""The Provider's calls about jobs: start, status, result, stop, delete."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

from ocean_lib.common.validation import (
    check_address,
    check_did,
    check_job_id,
    check_service_index,
    check_tx_hash,
    check_url,
)
from ocean_lib.data_provider._connection import ProviderConnection
from ocean_lib.data_provider._payloads import compute_query, start_payload
from ocean_lib.data_provider._responses import (
    JobInfo,
    check_not_withheld,
    check_owner,
    check_status,
    job_by_id,
    jobs_of,
    started_job,
)
from ocean_lib.data_provider._shared import class_callable
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput


class JobsApi(ProviderConnection):
    """start, status, result, stop, delete, and all jobs of an owner."""

    @class_callable
    def start_compute_job(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str,
        service_id: int,
        order_tx_id: str,
        algorithm_did: str | None = None,
        algorithm_meta: AlgorithmMetadata | None = None,
        algorithm_tx_id: str | None = None,
        algorithm_data_token: str | None = None,
        output: dict[str, Any] | None = None,
        input_datasets: list[ComputeInput] | None = None,
        job_id: str | None = None,
    ) -> JobInfo:
        """Start a job. Sent once: a repeated request would start a second job.

        Args:
            did: the main input's.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: who ordered.
            signature: over `{consumerAddress}{did}{nonce}`.
            service_id: index of the compute service; 0 is a valid index.
            order_tx_id: the order transaction of the main input.
            algorithm_did: a published algorithm; needs the next but one two.
            algorithm_meta: raw code; ignored when `algorithm_did` is given.
            algorithm_tx_id: the algorithm's order transaction.
            algorithm_data_token: the algorithm's datatoken.
            output: see `OceanCompute.check_output_dict`.
            input_datasets: all inputs; the main one among them is not sent twice.
            job_id: of a job stopped before, if the Provider's back end can go on with it.

        Returns:
            The new job as the Provider describes it.

        Raises:
            ProviderNotTrusted: the config does not name this Provider; nothing was sent.
            WorkflowRefused, RequestInvalid, SignatureRejected: the Provider refuses.
            TransportError: no answer; the job may have started.
            StartUncertain: the answer names no job, several, or one that was not asked for.
        """
        self._check_call(did, service_endpoint, consumer_address, signature)
        check_service_index(service_id)
        check_tx_hash(order_tx_id, name="order_tx_id")
        payload = start_payload(
            did=did,
            consumer_address=consumer_address,
            signature=signature,
            service_id=service_id,
            order_tx_id=order_tx_id,
            algorithm_did=algorithm_did,
            algorithm_meta=algorithm_meta,
            algorithm_tx_id=algorithm_tx_id,
            algorithm_data_token=algorithm_data_token,
            output=output,
            input_datasets=input_datasets,
            job_id=job_id,
        )
        answer = self.http.send(
            "POST", service_endpoint, operation="start the job", json_body=payload
        )
        return started_job(
            answer,
            owner=consumer_address,
            order_tx=order_tx_id,
            dids=[did, *(item.did for item in input_datasets or ())],
            algorithm_did=algorithm_did,
        )

    @class_callable
    def stop_compute_job(
        self,
        did: str,
        job_id: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str,
    ) -> JobInfo:
        """Stop one job.

        Args:
            did: the data set's.
            job_id: which job; at least 2 characters, since less would stop all jobs of the owner.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the job's owner.
            signature: over `{consumerAddress}{jobId}{did}{nonce}`.

        Returns:
            The job, with its status before the stop.

        Raises:
            InvalidInput: no job id; nothing was sent.
            JobNotFound: the Provider knows no such job of this owner.
        """
        check_job_id(job_id)
        jobs = self._compute("PUT", did, job_id, service_endpoint, consumer_address, signature)
        return job_by_id(jobs, job_id, "stop the job")

    @class_callable
    def stop_all_compute_jobs(
        self, did: str, service_endpoint: str, consumer_address: str, signature: str
    ) -> list[JobInfo]:
        """Stop every job of the owner at this Provider, of whichever data set.

        Returns:
            The jobs, with their status before the stop.
        """
        return self._compute("PUT", did, "", service_endpoint, consumer_address, signature)

    @class_callable
    def delete_compute_job(
        self,
        did: str,
        job_id: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str,
    ) -> bool:
        """Ask to delete one job; operator-service 1.0.0 deletes nothing (`OceanCompute.delete`).

        Returns:
            True: the Provider took the call, for unknown jobs too.

        Raises:
            InvalidInput: no job id; nothing was sent.
        """
        check_job_id(job_id)
        self._check_call(did, service_endpoint, consumer_address, signature)
        answer = self.http.send(
            "DELETE",
            service_endpoint,
            operation="delete the job",
            params=compute_query(did, job_id, consumer_address, signature),
        )
        if isinstance(check_status(answer).json(), dict):  # an error, whatever the status says
            raise answer.malformed("an empty text", answer.text())
        return True

    @class_callable
    def compute_job_status(
        self,
        did: str,
        job_id: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str | None = None,
    ) -> JobInfo:
        """Return one job as the Provider describes it.

        Args:
            did: the data set's.
            job_id: which job.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the job's owner.
            signature: not needed: a status is given unsigned, without result URLs and owner. A
                signed call moves the nonce.

        Raises:
            JobNotFound: the Provider knows no such job of this owner.
        """
        check_job_id(job_id)
        jobs = self._compute("GET", did, job_id, service_endpoint, consumer_address, signature)
        return job_by_id(jobs, job_id, "get the status of the job")

    @class_callable
    def compute_job_result(
        self,
        did: str,
        job_id: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str,
    ) -> JobInfo:
        """Return one job with its result and log URLs.

        Raises:
            JobNotFound: the Provider knows no such job of this owner.
            ResultsWithheld: the Provider answered, but did not accept the signature.
        """
        check_job_id(job_id)
        jobs = self._compute("GET", did, job_id, service_endpoint, consumer_address, signature)
        return check_not_withheld(job_by_id(jobs, job_id, "get the results of the job"))

    @class_callable
    def compute_jobs(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str | None = None,
    ) -> list[JobInfo]:
        """Return all jobs of an owner at this Provider, of whichever data set, in no order.

        Args:
            did: any DID; the Provider does not select by it.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the jobs' owner.
            signature: only for result URLs; see `compute_job_status`.
        """
        return self._compute("GET", did, "", service_endpoint, consumer_address, signature)

    def _compute(
        self,
        method: str,
        did: str,
        job_id: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str | None,
    ) -> list[JobInfo]:
        # All jobs of an owner are listed without naming a data set.
        lists_all = method == "GET" and did == job_id == ""
        self._check_call(did, service_endpoint, consumer_address, signature, is_named=not lists_all)
        answer = self.http.send(
            method,
            service_endpoint,
            operation={"GET": "get the job", "PUT": "stop the job"}[method],
            params=compute_query(did, job_id, consumer_address, signature),
            retry=method == "GET" and signature is None,
        )
        return check_owner(jobs_of(answer), consumer_address, answer)

    @class_callable
    def jobs_and_clock(
        self, did: str, service_endpoint: str, consumer_address: str
    ) -> tuple[list[JobInfo], float]:
        """Return all jobs of an owner, and the Provider's clock in epoch seconds.

        Args:
            did: any DID; the Provider does not select by it.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the jobs' owner.
        """
        self._check_call(did, service_endpoint, consumer_address, None)
        answer = self.http.send(
            "GET",
            service_endpoint,
            operation="list the jobs",
            params=compute_query(did, "", consumer_address, None),
            retry=True,
        )
        jobs = check_owner(jobs_of(answer), consumer_address, answer)
        return jobs, _server_time(answer.date)

    def _check_call(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str | None,
        *,
        is_named: bool = True,
    ) -> None:
        """Refuse what cannot work; nothing is changed, since the caller has signed these texts."""
        if is_named:
            check_did(did)
        check_url(service_endpoint, name="service endpoint")
        check_address(consumer_address, name="consumer_address")
        if signature is not None:
            self._check_trusted(service_endpoint, did)


def _server_time(date: str) -> float:
    """Return the server's clock in epoch seconds (its Date header has whole seconds)."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, LookupError, ArithmeticError, OSError):
        return time.time()
