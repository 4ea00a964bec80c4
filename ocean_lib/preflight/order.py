"""Would an order work? All that can be known before it is paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.select import backends_of
from ocean_lib.backends.v3.rules import is_same_price, price_base, service_to_order
from ocean_lib.checks import (
    check_address,
    check_did,
    check_service_index,
    printable,
)
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.search import AssetSearch
from ocean_lib.exceptions import (
    InvalidInput,
    MalformedResponse,
    OceanError,
    ProviderFault,
    RequestInvalid,
    WorkflowRefused,
)
from ocean_lib.http.deadline import operation_limit
from ocean_lib.models.chain_access import ChainAccess
from ocean_lib.ocean.util import from_base_18
from ocean_lib.preflight.assets import (
    FileProbe,
    access_findings,
    look_up,
    provider_unknown,
    unreachable,
)
from ocean_lib.preflight.chain import ChainReader
from ocean_lib.preflight.findings import Finding, Findings, collected, refused
from ocean_lib.preflight.payment import Purse, no_price
from ocean_lib.web3_internal.signer import Signer, signer_address


class OrderPreflight:
    """The part of `OceanAssets` that checks an order before it is placed.

    Args:
        config: names the chain, and how long a call may take.
        data_provider: asks the Provider.
        search: looks assets up.
        chain: the configured one.
    """

    def __init__(
        self, config: Any, data_provider: Any, search: AssetSearch, chain: ChainAccess
    ) -> None:
        self._config = config
        self._data_provider = data_provider
        self._search = search
        self._chain = chain

    def check(
        self,
        did: str,
        consumer: str | Signer,
        service_index: int | None,
        service_type: str | None,
    ) -> Findings:
        """Predict whether an order would be refused; see `OceanAssets.check_order`."""
        check_did(did)
        account = (
            check_address(consumer, name="consumer")
            if isinstance(consumer, str)
            else signer_address(consumer)
        )
        if service_type is None:
            if service_index is None:
                raise InvalidInput("Give service_index or service_type to say what to order.")
            service_index = check_service_index(service_index, name="service_index")
        with operation_limit(self._config.total_timeout_s):
            return collected(self._in_the_way(did, account, service_index, service_type))

    def _in_the_way(
        self, did: str, account: str, index: int | None, service_type: str | None
    ) -> Iterator[Finding]:
        asset = look_up(self._search.resolve, did)
        if isinstance(asset, Finding):
            yield asset
            return
        refusals = False
        for finding in access_findings(asset, account):
            refusals = True
            yield finding
        try:
            service = service_to_order(asset, index, service_type)
        except InvalidInput as error:
            yield refused("no-such-service", str(error), "Choose one of those.", asset.did)
            return
        for finding in self._files(asset, service):
            refusals = True
            yield finding
        try:
            price = price_base(service)
        except InvalidInput as error:
            yield no_price(error, asset)
            return
        if not refusals:  # else it would only say the same again
            yield from self._at_provider(asset, service, account, price)
        purse = Purse(ChainReader(self._chain), account)
        yield from purse.to_order(asset, service)
        yield from purse.findings()

    def _files(self, asset: Asset, service: Service) -> Iterator[Finding]:
        backends = backends_of(self._config, self._data_provider)
        root = backends.discovery.root_of(str(service.service_endpoint))
        probe = FileProbe(root, backends.at)
        reached = probe.of_asset("asset", str(asset.did))
        if isinstance(reached, Finding):
            yield reached
        elif reached is not None and (what := unreachable("asset", str(asset.did), reached)):
            mend = "Tell the publisher; only they can put the file back or change the asset."
            yield refused("file-unreachable", what, mend, asset.did)

    def _at_provider(
        self, asset: Asset, service: Service, account: str, price: int
    ) -> Iterator[Finding]:
        """Ask for the order's requirements, and compare them with what the asset says."""
        provider = self._data_provider
        endpoint = str(service.service_endpoint)
        token = asset.data_token_address
        try:
            _, url = provider.build_initialize_endpoint(endpoint)
            asked = provider.get_order_requirements(
                str(asset.did), url, account, service.index, service.type, token
            )
        except (WorkflowRefused, RequestInvalid, ProviderFault, MalformedResponse) as error:
            yield refused(
                "provider-refuses",
                str(error),
                "Mend what the Provider names, or ask the publisher.",
                asset.did,
            )
            return
        except OceanError as error:
            yield provider_unknown(endpoint, error)
            return
        if asked.data_token_address.lower() != token.lower():
            yield refused(
                "provider-other-datatoken",
                f"The Provider wants data token {asked.data_token_address} for {asset.did}, whose "
                f"own is {token}.",
                "Ask the publisher which is right.",
                asset.did,
            )
        if not is_same_price(asked.amount, price):
            yield refused(
                "provider-other-price",
                f"The Provider wants {printable(str(asked.amount))} for service {service.index} of "
                f"{asset.did}; "
                f"the asset says {from_base_18(price)}.",
                "Wait until the Provider has the asset's last change, or ask the publisher.",
                asset.did,
            )
