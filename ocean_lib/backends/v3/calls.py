"""The requests of a V3 Provider that are not about jobs, one function each: sent and read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple

from ocean_lib.backends.v3.answers import (
    check_status,
    error_of,
)
from ocean_lib.checks import check_address, is_json
from ocean_lib.exceptions import InvalidInput, OceanEncryptAssetUrlsError
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.models.amounts import TokenAmount


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
