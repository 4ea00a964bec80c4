"""What an asset itself says against its use: unknown, disabled, not for this address, no files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.backend import ALL_RULES, Backend, Rules
from ocean_lib.backends.v3.rules import check_may_consume
from ocean_lib.base.advice import Advice
from ocean_lib.checks import check_address
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.exceptions import (
    AssetNotConsumable,
    AssetNotFound,
    InvalidInput,
    MalformedCredential,
    NotOffered,
    OceanError,
    ProviderFault,
    ResponseError,
    TransportError,
)
from ocean_lib.http.redaction import safe_url
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.preflight.findings import Finding, refused, unknown

T = TypeVar("T")

_ACCESS_CODES = {
    ConsumableCodes.ASSET_DISABLED: "asset-disabled",
    ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST: "not-on-allow-list",
    ConsumableCodes.CREDENTIAL_IN_DENY_LIST: "on-deny-list",
}


def look_up(asset_of: Callable[[str], Asset], did: str) -> Asset | Finding:
    """Return an asset, or why there is none to check."""
    try:
        asset = asset_of(did)
        check_address(asset.data_token_address, name="dataToken")
        return asset
    except AssetNotFound:
        return refused(
            "asset-not-found",
            f"The metadata cache holds no asset {did}.",
            "Check the DID, and that the metadata cache serves the chain it was published on. "
            "One that was just published takes a moment to appear.",
            did,
        )
    except NotOffered as error:
        what, _, mend = str(error).partition(". ")
        return refused("not-offered", f"{what}.", mend, did)
    except (TransportError, ResponseError, InvalidInput) as error:
        return unknown(
            "asset-unknown",
            f"Asset {did} could not be looked up. {error.what}",
            Advice.of("check-metadata-cache-again"),
            did,
        )


def access_findings(asset: Asset, address: str) -> Iterator[Finding]:
    """Say whether the publisher lets an address use an asset."""
    try:
        check_may_consume(asset, address)
    except AssetNotConsumable as error:
        code = _ACCESS_CODES.get(error.consumable_code, "asset-not-consumable")
        what, _, mend = str(error).partition(". ")
        yield refused(code, f"{what}.", mend, asset.did)
    except (MalformedCredential, InvalidInput) as error:
        yield unknown(
            "access-rules-unreadable",
            f"Who may use {asset.did} cannot be told. {error}",
            "Ask the publisher to repair the asset's status and credentials.",
            asset.did,
        )


class FileProbe:
    """Asks a back end whether it reaches files; once it is silent, it is not asked again.

    Args:
        root: base URL of where the job, or the order, would be sent.
        at: returns the back end at a base URL.
    """

    def __init__(self, root: str, at: Callable[[str], Backend]) -> None:
        self._root = root
        self._at = at
        self._is_silent = False

    def of_asset(self, what: str, did: str) -> Sequence[bool] | Finding | None:
        """Return for each file of an asset whether the back end reaches it.

        Args:
            what: what the asset is, in words ("data set").
            did: the asset.

        Returns:
            A finding if that cannot be told; None if that was said before.
        """
        try:
            return self._ask(lambda: self._at(self._root).files_reachable(did))
        except ProviderFault:
            # Measured: it fails so for a list of files it cannot decrypt, or an unknown asset.
            return refused(
                "files-not-readable",
                f"The Provider at {safe_url(self._root)} cannot open the list of files of "
                f"{what} {did}: another Provider encrypted it, or this one's metadata cache does "
                "not know the asset.",
                "Use assets that are served by one Provider, or ask the Provider's operator.",
                did,
            )

    def of_url(self, url: str) -> bool | Finding | None:
        """Return whether the back end reaches a URL; else as `of_asset` does."""
        try:
            return self._ask(lambda: self._at(self._root).url_reachable(url))
        except ProviderFault:
            return False

    def of_nonce(self, address: str) -> int | Finding | None:
        """Return the nonce that the back end has for an address; else as `of_asset` does."""
        try:
            return self._ask(lambda: self._at(self._root).nonce(address))
        except ProviderFault as error:
            return provider_unknown(self._root, error)

    def of_plan(self, plan: JobPlan) -> Iterator[Finding]:
        """Say what the back end itself has against a job."""
        if self._is_silent:
            return
        try:
            yield from self._at(self._root).findings(plan)
        except OceanError as error:
            self._is_silent = True
            yield provider_unknown(self._root, error)

    def rules(self) -> Rules:
        """Return the back end's rules; all there are, if it does not tell."""
        if self._is_silent:
            return ALL_RULES
        try:
            return self._at(self._root).rules()
        except OceanError:
            return ALL_RULES

    def _ask(self, ask: Callable[[], T]) -> T | Finding | None:
        if self._is_silent:
            return None
        try:
            return ask()
        except ProviderFault:
            raise
        except OceanError as error:
            self._is_silent = True
            return provider_unknown(self._root, error)


def provider_unknown(provider_uri: str, error: OceanError) -> Finding:
    """Say that a Provider could not be asked."""
    return unknown(
        "provider-unknown",
        f"The Provider at {safe_url(provider_uri)} could not be asked. {error}",
        "Check that it runs and the asset's serviceEndpoint, and check again.",
    )


def unreachable(what: str, did: str, reached: Sequence[bool]) -> str:
    """Say which files of an asset the Provider does not reach; '' if it reaches all."""
    if not reached:
        return f"The list of files of {what} {did} is empty."
    missing = [str(index) for index, reachable in enumerate(reached) if not reachable]
    if not missing:
        return ""
    return (
        f"The Provider cannot reach file {', '.join(missing)} of {what} {did}, which has "
        f"{len(reached)} (counted from 0)."
    )
