"""What a paid job costs: `initializeCompute`, with the fees of its orders, signed by the node."""

from __future__ import annotations

from typing import Any

from eth_utils.crypto import keccak
from flask import Response, request

from ocean_lib.localnet.dialects.node.assets import Assets
from ocean_lib.localnet.dialects.node.environments import (
    Environments,
    TooMuch,
    filled,
    prices_of,
)
from ocean_lib.localnet.dialects.node.node_key import NodeKey, compact
from ocean_lib.localnet.dialects.node.payments import CLAIM_S, Payments, cost_of
from ocean_lib.localnet.dialects.node.rules import Checksums, Document
from ocean_lib.localnet.dialects.node.starting import number_of
from ocean_lib.localnet.dialects.node.wire import (
    SERVICES,
    Refused,
    as_json,
    body_of,
    check_address,
    refusing,
    require,
    text_refusal,
)
from ocean_lib.localnet.http.routes import Endpoint

_FIELDS = ("datasets", "algorithm", "payment", "consumerAddress", "environment")


class QuoteApi:
    """The call that tells prices.

    Args:
        environments: Where jobs run.
        assets: What was published.
        payments: The escrow.
        chain_id: The chain that is served.
    """

    def __init__(
        self, environments: Environments, assets: Assets, payments: Payments, chain_id: int
    ) -> None:
        self._environments = environments
        self._assets = assets
        self._payments = payments
        self._chain_id = chain_id

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        place = f"{SERVICES}/initializeCompute"
        return [Endpoint("POST", place, "initialize", refusing(text_refusal, self.initialize))]

    def initialize(self) -> Response:
        """Answer what a paid job would cost, and which orders it lacks."""
        data = body_of(request)
        data["datasets"] = data.get("datasets") or []
        require(data, "initializeCompute", *_FIELDS)
        _check(data)
        self._environments.check_cluster(data["environment"])
        algorithm = data["algorithm"]
        known = self._assets.checksums(algorithm)
        environment = self._environment(data)
        payment = self._payment(data, environment)
        told = [
            self._order(asked, data, environment["consumerAddress"], known)
            for asked in (algorithm, *data["datasets"])
        ]
        return as_json({"algorithm": told[0], "datasets": told[1:], "payment": payment})

    def _environment(self, data: Document) -> Document:
        environment = self._environments.named(data["environment"], [])
        if str(data["payment"]["chainId"]) != str(self._chain_id):
            raise Refused(500, "Invalid C2D Environment")
        return environment

    def _payment(self, data: Document, environment: Document) -> Document:
        asked, longest = data["payment"], environment["maxJobDuration"]
        duration = number_of(data.get("maxJobDuration"))
        duration = int(longest if not 0 < duration <= longest else duration)
        try:
            resources = filled(asked.get("resources"), environment)
        except TooMuch as error:
            raise Refused(500, f"Error: {error}") from error
        prices = prices_of(environment, asked)
        seconds = max(duration, environment["minJobDuration"])
        cost = cost_of(resources, prices, seconds)
        return {
            "escrowAddress": self._payments.escrow.address,
            "payee": environment["consumerAddress"],
            "chainId": asked["chainId"],
            "minLockSeconds": duration + int(number_of(data.get("queueMaxWaitTime"))) + CLAIM_S,
            "token": asked["token"],
            "amount": str(self._payments.in_units(cost, asked["token"])),
        }

    def _order(
        self, asked: Document, data: Document, environment: str, known: Checksums
    ) -> Document:
        """Tell of an asset what has to be ordered."""
        told: Document = {"validOrder": False}
        did = asked.get("documentId")
        if not did:
            return told
        ddo = self._assets.usable(did)
        self._assets.check_trust(ddo, data["datasets"], data["algorithm"], known)
        service = self._assets.service(ddo, asked, data["consumerAddress"])
        is_ours = self._assets.can_open(service, asked)
        told |= {
            "did": did,
            "serviceId": asked.get("serviceId"),
            "datatoken": service["datatokenAddress"],
            "chainId": ddo["chainId"],
            "consumerAddress": environment,
        }
        order = asked.get("transferTxId")
        if order and self._assets.is_ordered(ddo, service, order, environment):
            told["validOrder"] = order
            if self._assets.has_fees(ddo, service, order):
                return told
        if is_ours:
            token = self._environments.token
            told["providerFee"] = provider_fee(self._assets.key, service, token)
        return told


def provider_fee(key: NodeKey, service: Document, token: str) -> Document:
    """Sign a node's fee for an order of a service, which is 0; valid for the service's timeout.

    Args:
        key: The node's.
        service: What is ordered.
        token: In which a fee would be paid.
    """
    data = compact({"dt": service["datatokenAddress"], "id": service["id"]}).encode()
    valid_s = int(service.get("timeout") or 0)
    packed = (
        data
        + bytes.fromhex(key.address[2:])
        + bytes.fromhex(token[2:])
        + bytes(32)
        + valid_s.to_bytes(32, "big")
    )
    return {
        "providerFeeAddress": key.address,
        "providerFeeToken": token,
        "providerFeeAmount": "0",
        "providerData": "0x" + data.hex(),
        **key.sign(keccak(packed).lstrip(b"\0")),
        "validUntil": valid_s,
    }


def _check(data: dict[str, Any]) -> None:
    """Refuse a quote that lacks what it cannot do without."""
    check_address(data["consumerAddress"])
    payment, duration = data["payment"], data.get("maxJobDuration")
    for one in data["datasets"]:
        if not isinstance(one, dict) or not one.get("documentId"):
            raise Refused(400, "Missing dataset did")
    if not isinstance(payment, dict) or not (payment.get("chainId") and payment.get("token")):
        raise Refused(400, "Invalid payment options")
    if duration and number_of(duration) <= 0:
        raise Refused(400, "Invalid maxJobDuration")
    if not isinstance(data["algorithm"], dict):
        data["algorithm"] = {}
