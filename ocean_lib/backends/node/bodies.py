"""What a node is asked to run: the bodies of a start, and of the question what one costs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ocean_lib.exceptions import InvalidInput
from ocean_lib.jobs.plan import MARKER, JobPlan
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.models.file_input import FileInput
from ocean_lib.models.order import NOT_ORDERED

MAX_METADATA_CHARS = 1024


@dataclass(frozen=True)
class Payment:
    """How a job is paid for.

    Attributes:
        chain_id: where.
        token: in what, by its address.
    """

    chain_id: int
    token: str


def start_body(plan: JobPlan, environment: str, payment: Payment | None = None) -> dict[str, Any]:
    """Return what a start asks for, without its credentials; with a payment, for a paid one."""
    body: dict[str, Any] = {
        "environment": environment,
        "algorithm": _algorithm(plan),
        "datasets": [_dataset(item) for item in plan.datasets],
        "metadata": metadata_of(plan),
    }
    resources = _resources(plan)
    if resources:
        body["resources"] = resources
    if plan.max_duration_s is not None:
        body["maxJobDuration"] = plan.max_duration_s
    return body if payment is None else body | {"payment": _payment(payment, resources)}


def price_body(plan: JobPlan, environment: str, payment: Payment) -> dict[str, Any]:
    """Return what the node is asked for a price with; files, which cost nothing, it refuses."""
    return {
        "datasets": [_dataset(item) for item in plan.published],
        "algorithm": _algorithm(plan),
        "environment": environment,
        "payment": _payment(payment, _resources(plan)),
        "maxJobDuration": plan.max_duration_s,
        "consumerAddress": plan.consumer,
    }


def metadata_of(plan: JobPlan) -> dict[str, Any]:
    """Return what is kept with the job: the user's own, and the mark of this one start.

    Raises:
        InvalidInput: it is longer than a node takes.
    """
    metadata = {**plan.metadata, MARKER: plan.marker}
    try:
        length = len(json.dumps(metadata, separators=(",", ":"), ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return metadata  # whoever sends it says what is wrong
    if length > MAX_METADATA_CHARS:
        raise InvalidInput(
            f"metadata has {length} characters as JSON, with the mark by which the job is found "
            f"again; a node takes {MAX_METADATA_CHARS}. Leave some out, or put it into a file."
        )
    return metadata


def _payment(payment: Payment, resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"chainId": payment.chain_id, "token": payment.token, "resources": resources}


def _resources(plan: JobPlan) -> list[dict[str, Any]]:
    return [{"id": name, "amount": amount} for name, amount in plan.resources.items()]


def _dataset(item: ComputeInput | FileInput) -> dict[str, Any]:
    if isinstance(item, FileInput):
        return {"fileObject": item.as_file_object()}
    userdata = {"userdata": dict(item.userdata)} if item.userdata else {}
    return _published(item.did, item.service_id, item.transfer_tx_id) | userdata


def _published(did: str, service_id: int | str | None, order_tx: str) -> dict[str, Any]:
    """Return what names a service of an asset, and its order if there is one."""
    order = {"transferTxId": order_tx} if order_tx not in ("", NOT_ORDERED) else {}
    return {"documentId": did, "serviceId": str(service_id), **order}


def _algorithm(plan: JobPlan) -> dict[str, Any]:
    algorithm, meta = plan.algorithm, plan.algorithm.meta
    found: dict[str, Any] = {}
    if algorithm.did:
        found = _published(algorithm.did, algorithm.service_id, algorithm.tx_id)
    if meta is not None:
        found["meta"] = {
            "language": meta.language,
            "version": meta.version,
            "container": {**meta.container, "checksum": meta.container_checksum},
        }
        if not algorithm.did and meta.url and not meta.rawcode:  # the node ignores meta.url
            found["fileObject"] = FileInput(meta.url).as_file_object()
        elif not algorithm.did:
            found["meta"]["rawcode"] = meta.rawcode
    return {
        **found,
        **({"envs": dict(plan.envs)} if plan.envs else {}),
        **({"algocustomdata": dict(plan.custom_data)} if plan.custom_data else {}),
    }
