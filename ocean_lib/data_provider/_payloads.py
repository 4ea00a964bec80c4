"""The texts that are signed, and the documents that are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ocean_lib.common.validation import check_address, check_did, check_tx_hash
from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput


def compute_text(consumer_address: str, job_id: str | None, did: str) -> str:
    """Return what a compute call signs, before its nonce (protocol: "What is signed")."""
    return f"{consumer_address}{job_id or ''}{did}"


def compute_query(
    did: str, job_id: str | None, consumer_address: str, signature: str | None
) -> dict[str, str]:
    """Return the parameters of status, result, stop and delete.

    `jobId` is always there, if empty: the Provider reads an absent one as the word `None`.
    """
    query = {"documentId": did, "consumerAddress": consumer_address, "jobId": job_id or ""}
    return query if signature is None else {"signature": signature, **query}


def start_payload(
    *,
    did: str,
    consumer_address: str,
    signature: str,
    service_id: int,
    order_tx_id: str,
    algorithm_did: str | None,
    algorithm_meta: AlgorithmMetadata | None,
    algorithm_tx_id: str | None,
    algorithm_data_token: str | None,
    output: dict[str, Any] | None,
    input_datasets: Sequence[ComputeInput] | None,
    job_id: str | None,
) -> dict[str, Any]:
    """Return the body that starts a job.

    Of `input_datasets` the entry that is the main input (same DID, order and service) is left
    out once; all others are sent, also those with the same DID.

    Raises:
        InvalidInput: no algorithm, or a DID without its order or datatoken.
    """
    main = (did, order_tx_id, int(service_id))
    additional = list(input_datasets or ())
    for position, item in enumerate(additional):
        if (item.did, item.transfer_tx_id, int(item.service_id)) == main:
            del additional[position]
            break
    payload: dict[str, Any] = {
        "signature": signature,
        "documentId": did,
        "consumerAddress": consumer_address,
        "output": output or {},
        "jobId": job_id or "",
        "serviceId": _service_id(service_id),
        "transferTxId": order_tx_id,
        "additionalInputs": [
            {**item.as_dictionary(), "serviceId": _service_id(item.service_id)}
            for item in additional
        ],
    }
    payload.update(_algorithm(algorithm_did, algorithm_meta, algorithm_tx_id, algorithm_data_token))
    return payload


def _algorithm(
    did: str | None,
    meta: AlgorithmMetadata | None,
    tx_id: str | None,
    data_token: str | None,
) -> dict[str, Any]:
    if did:
        check_did(did, name="algorithm_did")
        if not (tx_id and data_token):
            raise InvalidInput(
                f"The algorithm {did} needs algorithm_tx_id (its order transaction) and "
                "algorithm_data_token (its datatoken's address). Order it first: "
                "assets.order, then assets.pay_for_service."
            )
        check_tx_hash(tx_id, name="algorithm_tx_id")
        check_address(data_token, name="algorithm_data_token")
        return {
            "algorithmDid": did,
            "algorithmDataToken": data_token,
            "algorithmTransferTxId": tx_id,
        }
    if meta is None:
        raise InvalidInput(
            "A job needs an algorithm: algorithm_did (a published one, with its order), or "
            "algorithm_meta (an AlgorithmMetadata with your code)."
        )
    return {"algorithmMeta": meta.as_dictionary()}


def _service_id(index: int) -> int | str:
    """The Provider refuses the number 0 as missing, but takes the text "0"."""
    return int(index) or "0"
