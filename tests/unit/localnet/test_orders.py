"""Orders on chain: which receipts pay for a service."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi import encode

from ocean_lib.localnet.chain import RpcError
from ocean_lib.localnet.dialects.v3.assets import ProviderAsset
from ocean_lib.localnet.dialects.v3.contract_reads import ORDER_STARTED
from ocean_lib.localnet.dialects.v3.rules import BadOrder, check_order, order_service_index
from tests.unit.localnet.recorded import CONSUMER, answer

DDO = answer("04-order-dataset-initialize", "aquarius", "GET", "/ddo/did")
ASSET = ProviderAsset(DDO)
SERVICE = ASSET.service(4)
TRANSACTION = "0x" + "ab" * 32
PAYER = "0x" + "2" * 40
WEI = 10**18


class OneReceipt:
    """A chain with one receipt."""

    def __init__(self, receipt: Any) -> None:
        self._receipt = receipt

    def call(self, method: str, *params: Any) -> Any:
        assert (method, params) == ("eth_getTransactionReceipt", (TRANSACTION,))
        if isinstance(self._receipt, Exception):
            raise self._receipt
        return self._receipt


def order_log(
    address: str = ASSET.datatoken, amount: int = WEI, service: int = 4, consumer: str = CONSUMER
) -> dict[str, Any]:
    words = ["0x" + "0" * 24 + part[2:].lower() for part in (consumer, PAYER, "0x" + "0" * 40)]
    data = encode(["uint256"] * 4, [amount, service, 1600000000, 0])
    return {"address": address, "topics": [ORDER_STARTED, *words], "data": "0x" + data.hex()}


def receipt(*logs: dict[str, Any], status: str = "0x1") -> dict[str, Any]:
    return {"status": status, "logs": list(logs)}


def check(found: Any, transaction: object = TRANSACTION, consumer: str = CONSUMER) -> None:
    assert SERVICE is not None
    check_order(OneReceipt(found), transaction, ASSET, SERVICE, consumer)


OTHER_EVENT = {"address": ASSET.datatoken, "topics": ["0x" + "0" * 64], "data": "0x"}


@pytest.mark.parametrize(
    "logs",
    [
        (order_log(),),
        (OTHER_EVENT, order_log()),
        (order_log(service=3), order_log()),
        (order_log(amount=2 * WEI),),
        (order_log(consumer=PAYER), order_log()),
    ],
)
def test_an_order_that_pays_is_good(logs: tuple[dict[str, Any], ...]) -> None:
    check(receipt(*logs))


def test_who_paid_may_use_the_order_too() -> None:
    check(receipt(order_log()), consumer=PAYER)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "not on the chain"),
        (RpcError(-32602, "no"), "does not know"),
        (receipt(order_log(), status="0x0"), "failed"),
        (receipt(), "no order of this asset"),
        (receipt(OTHER_EVENT), "no order of this asset"),
        (receipt(order_log(address="0x" + "1" * 40)), "no order of this asset"),
        (receipt(order_log(service=3)), "for service 3, not 4"),
        (receipt(order_log(amount=WEI - 1)), "paid"),
        (receipt(order_log(consumer="0x" + "3" * 40)), "not of"),
    ],
)
def test_an_order_that_does_not_pay_says_why(found: Any, reason: str) -> None:
    with pytest.raises(BadOrder, match=reason):
        check(found)


@pytest.mark.parametrize("transaction", ["0x1234", "nonsense", "", None, 5, TRANSACTION + "0"])
def test_what_is_no_hash_is_no_order(transaction: object) -> None:
    with pytest.raises(BadOrder, match="hash"):
        check(receipt(order_log()), transaction)


def test_an_address_is_compared_in_its_spelling() -> None:
    with pytest.raises(BadOrder):
        check(receipt(order_log()), consumer=CONSUMER.lower())


def test_the_service_of_an_order_is_read() -> None:
    assert order_service_index(OneReceipt(receipt(order_log(service=3))), TRANSACTION, ASSET) == 3
    with pytest.raises(BadOrder):
        order_service_index(OneReceipt(receipt()), TRANSACTION, ASSET)
