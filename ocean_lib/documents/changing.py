"""Changing a published asset: what would change, what it costs and breaks; then the change."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import Asset4, asset_of
from ocean_lib.base.arguments import check_seconds
from ocean_lib.base.mistake import Mistake
from ocean_lib.checks import check_address, check_did, shown_url
from ocean_lib.documents.asset_change import AssetChange, Difference
from ocean_lib.documents.ddo1 import TRUSTED, files_of
from ocean_lib.documents.describing import DescribedAssets, token_info
from ocean_lib.documents.description import Description, FileEntry, read_changes
from ocean_lib.documents.publishing import Writing
from ocean_lib.documents.search import AssetSearch
from ocean_lib.documents.trust import TrustDoctor
from ocean_lib.exceptions import InvalidDescription, InvalidInput, OceanError, add_to_message
from ocean_lib.ocean.util import from_base_18
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address

_SEALED_BYTES = 200
"""About what encryption adds to a list of files."""


@dataclass(frozen=True)
class _Plan:
    """A change that was worked out, and what it takes to send it."""

    change: AssetChange
    asset: Asset
    files: tuple[FileEntry, ...] = ()
    relying: tuple[Asset, ...] = ()


class Changing:
    """The part of `OceanAssets` that changes published assets.

    Args:
        search: knows the metadata cache.
        publishing: puts documents on the chain.
        trust: knows who trusts an algorithm.
        described: knows the Provider's endpoints, and where local files go.
    """

    def __init__(
        self,
        search: AssetSearch,
        publishing: Writing,
        trust: TrustDoctor,
        described: DescribedAssets,
    ) -> None:
        self._search = search
        self._publishing = publishing
        self._trust = trust
        self._described = described
        self._dialect = described.dialect

    def change(
        self,
        did: str,
        changes: object,
        wallet: Any,
        *,
        keep_files: bool = False,
        dry_run: bool,
        wait_s: float,
    ) -> AssetChange:
        """Change an asset; see `OceanAssets.change`."""
        address = signer_address(check_signer(wallet))
        check_seconds("wait_for_cache_s", wait_s)
        asset = self._search.resolve(check_did(did))
        self._publishing.check_publisher(asset, address)
        plan = self._plan(asset, changes, address, keep_files=keep_files)
        if dry_run or not plan.change.differences:
            return plan.change
        return self._send(plan, wallet, wait_s)

    def change_credentials(
        self,
        did: str,
        wallet: Any,
        allow: Sequence[str],
        deny: Sequence[str],
        remove: Sequence[str],
        *,
        dry_run: bool,
        wait_s: float,
    ) -> AssetChange:
        """Change who may use an asset; see `OceanAssets.change_credentials`."""
        given = {"allow": allow, "deny": deny, "remove": remove}
        moved = {
            name: [check_address(a, name=f"{name}[{i}]").lower() for i, a in enumerate(addresses)]
            for name, addresses in given.items()
        }
        every = [address for addresses in moved.values() for address in addresses]
        if len(set(every)) < len(every) or not every:
            raise InvalidInput("Name at least one address, and each of them once.")
        asset = self._search.resolve(check_did(did))
        now = {"allow": asset.allowed_addresses, "deny": asset.denied_addresses}
        lists = {
            name: [a for a in addresses if a not in every or a in moved[name]]
            + [a for a in moved[name] if a not in addresses]
            for name, addresses in now.items()
        }
        changes = {"credentials": lists}
        return self.change(did, changes, wallet, dry_run=dry_run, wait_s=wait_s)

    def _plan(self, asset: Asset, changes: object, address: str, *, keep_files: bool) -> _Plan:
        dialect = self._dialect
        now, asset_type = dialect.values_of(asset), dialect.type_of(asset)
        cap = {"token.cap": token_info(asset).get("cap")}
        given = read_changes(changes, asset_type, {**now, **cap}, dialect.faults)
        if keep_files:
            given = dataclasses.replace(given, files=())
        _check_token(asset, given)
        self._described.local_files.check(given.files)
        values = {k: v for k, v in given.values.items() if k in now and not _same(v, now[k])}
        differences = [Difference(path, now[path], value) for path, value in values.items()]
        if given.files:
            count = len((asset.metadata or {}).get("main", {}).get("files") or []) or "some"
            after = [_file_shown(file) for file in given.files]
            differences.append(Difference("files", f"{count} encrypted", after))
        change = AssetChange(str(asset.did), tuple(differences))
        if not differences:
            return _Plan(change, asset)
        changed = self._changed(asset, values, {**now, **values})
        relying = self._relying(asset, differences)
        mine = [d for d in relying if self._publishing.publisher_of(d).lower() == address.lower()]
        change = dataclasses.replace(
            change,
            notes=tuple(_notes(values, now, denies_first=isinstance(asset, Asset4))),
            refreshed=tuple(str(dataset.did) for dataset in mine),
            broken=tuple(str(dataset.did) for dataset in relying if dataset not in mine),
            fee=self._fee(changed, given, mine, address),
        )
        return _Plan(change, changed, given.files, tuple(mine))

    def _changed(self, asset: Asset, values: Mapping[str, Any], now: Mapping[str, Any]) -> Asset:
        """Return the asset with other values; algorithms that it trusts already stay as listed."""
        entries: dict[str, Any] = {}
        if TRUSTED in now:
            kept = asset.get_trusted_algorithms() or [] if _computes(asset) else []
            entries = {TRUSTED: self._trust.entries(now[TRUSTED], kept)}
        written = {path: entries.get(path, value) for path, value in values.items()}
        endpoints = self._described.endpoints()
        return self._dialect.changed(asset, written, {**now, **entries}, endpoints)

    def _relying(self, asset: Asset, differences: Sequence[Difference]) -> list[Asset]:
        """Return the data sets whose trust in an algorithm the change would break."""
        paths = {difference.path.partition(".")[0] for difference in differences}
        is_other = self._dialect.type_of(asset) == "algorithm" and paths & {"files", "container"}
        return self._trust.relying_on(asset) if is_other else []

    def _fee(
        self, changed: Asset, given: Description, mine: Sequence[Asset], address: str
    ) -> Decimal:
        draft = asset_of(changed.as_dictionary())
        if given.files and draft.metadata is not None and not isinstance(draft, Asset4):
            length = len(json.dumps(files_of(given, [file.url for file in given.files])))
            draft.metadata["encryptedFiles"] = "0x" + secrets.token_hex(length + _SEALED_BYTES)
        fees = [self._publishing.fee_wei(one, address) for one in (draft, *mine)]
        return from_base_18(sum(fees))

    def _send(self, plan: _Plan, wallet: Signer, wait_s: float) -> AssetChange:
        asset, change = plan.asset, plan.change
        if plan.files:
            urls = self._described.local_files.urls_of(plan.files)
            given = Description(self._dialect.type_of(asset), {}, plan.files)
            self._dialect.put_files(asset, files_of(given, urls))
        sent = [self._publishing.update(asset, wallet, wait_s)]
        for dataset in plan.relying:
            try:
                renewed = self._trust.renewed(dataset, asset)
                sent.append(self._publishing.update(renewed, wallet, wait_s))
            except OceanError as error:
                left = ", ".join(change.refreshed[len(sent) - 1 :])
                add_to_message(
                    error,
                    f"{change.did} is changed already (transaction {sent[0]}); refresh the trust "
                    f"of {left} with refresh_trust.",
                )
                raise
        return dataclasses.replace(change, tx_hashes=tuple(sent))


def _same(value: Any, other: Any) -> bool:
    """Tell whether two values of a description mean the same: addresses and DIDs in any case."""
    if isinstance(value, list) and isinstance(other, list):
        return [str(v).lower() for v in value] == [str(v).lower() for v in other]
    return bool(value == other)


def _computes(asset: Asset) -> bool:
    return any(service.type == "compute" for service in asset.services)


def _file_shown(file: FileEntry) -> str:
    return f"{shown_url(file.url) if file.url else file.name} ({file.content_type})"


def _check_token(asset: Asset, given: Description) -> None:
    """Refuse what cannot be changed: the data token, which is a contract on the chain.

    Raises:
        InvalidDescription: the changes want another one.
    """
    there = {"address": asset.data_token_address, **token_info(asset)}
    mistakes = []
    for name in ("name", "symbol", "cap", "address"):
        wanted = given.values.get(f"token.{name}")
        is_same = str(there.get(name)).lower() == str(wanted).lower() or there.get(name) == wanted
        if wanted and not is_same:
            what = f"cannot be changed: on the chain it is {there.get(name, 'not known')}"
            mistakes.append(Mistake(f"token.{name}", what))
    if mistakes:
        raise InvalidDescription("The change", mistakes)


def _notes(
    values: Mapping[str, Any], now: Mapping[str, Any], *, denies_first: bool
) -> Iterator[str]:
    """Say what else a change means."""
    was = now["price"]
    if "price" in values and not (isinstance(was, (int, float)) and values["price"] <= was):
        yield "Orders that were paid at the lower price are refused from now on."
    for name in ("compute", "access"):
        if values.get(name) is False:
            yield f"Orders of its {name} service cannot be used any more."
    allowed, was_allowed = values.get("credentials.allow"), now["credentials.allow"]
    if allowed and not was_allowed:
        yield f"From now on nobody else may use it than the {len(allowed)} that are allowed."
    if allowed == [] and was_allowed:
        yield "The allow list is empty now: everybody may use it who is not denied."
    has_both = values.get("credentials.deny") and (was_allowed if allowed is None else allowed)
    if has_both and not denies_first:
        yield "The deny list has no effect beside an allow list."
    if values.get("compute.allow_all_published_algorithms"):
        yield "Every published algorithm may run, whether it is listed or not."
