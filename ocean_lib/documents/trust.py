"""For publishers: explain whom a data set trusts, and change that on the chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import asset_of
from ocean_lib.backends.v3.trust import TRUSTED_ALGORITHMS
from ocean_lib.checks import check_did
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.ddo1 import did_of
from ocean_lib.documents.dialects import Dialect
from ocean_lib.documents.publishing import Writing
from ocean_lib.documents.search import AssetSearch
from ocean_lib.documents.view import EVERY
from ocean_lib.exceptions import AssetNotFound, InvalidInput, NoComputeService
from ocean_lib.preflight.trust import TrustChange, TrustReport
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address


class TrustDoctor:
    """The part of `OceanAssets` that deals in trusted algorithms.

    Every change is made to the data set as the metadata cache has it at that moment, touches the
    list of trusted algorithms and nothing else, and is published in one transaction. Where nothing
    is to be changed, none is sent.
    """

    def __init__(self, search: AssetSearch, publishing: Writing, dialect: Dialect) -> None:
        self._search = search
        self._publishing = publishing
        self._dialect = dialect

    def explain(self, dataset_did: str, algorithm_did: str) -> TrustReport:
        """Explain whether a data set lets an algorithm run, by the Provider's rules."""
        check_did(algorithm_did, name="algorithm_did")
        dataset = self._search.resolve(check_did(dataset_did, name="dataset_did"))
        service = _compute_service(dataset)
        return self._dialect.report(dataset, service, algorithm_did, self._find(algorithm_did))

    def trust(self, dataset_did: str, algorithm_did: str, wallet: Signer) -> TrustChange:
        """Let an algorithm run on a data set, as the algorithm is now."""
        check_signer(wallet)
        check_did(algorithm_did, name="algorithm_did")
        trust_list = self._list_of(dataset_did)
        algorithm = self._search.resolve(algorithm_did)
        did = str(algorithm.did)
        if not trust_list.put(did, self._dialect.entry(algorithm)):
            return TrustChange(
                trust_list.did,
                f"Nothing changed: data set {trust_list.did} already trusts {did} as it is now. "
                "No transaction was sent.",
            )
        what = f"Data set {trust_list.did} now trusts {did}, with its checksums of today."
        return self._publish(trust_list, wallet, what, (did,))

    def untrust(self, dataset_did: str, algorithm_did: str, wallet: Signer) -> TrustChange:
        """Take an algorithm off the list of trusted algorithms."""
        check_signer(wallet)
        check_did(algorithm_did, name="algorithm_did")
        trust_list = self._list_of(dataset_did)
        if not trust_list.remove(algorithm_did):
            return TrustChange(
                trust_list.did,
                f"Nothing changed: {algorithm_did} is not among the trusted algorithms of data "
                f"set {trust_list.did}. No transaction was sent.",
            )
        what = f"Data set {trust_list.did} no longer trusts {algorithm_did} by name."
        if trust_list.allows_all:
            what += " It still lets every published algorithm run."
        return self._publish(trust_list, wallet, what, (algorithm_did,))

    def refresh(self, dataset_did: str, algorithm_did: str | None, wallet: Signer) -> TrustChange:
        """Renew the checksums of trusted algorithms that have changed since."""
        check_signer(wallet)
        trust_list = self._list_of(dataset_did)
        if algorithm_did is not None:
            trust_list.check_holds(check_did(algorithm_did, name="algorithm_did"))
        renewed, skipped = [], []
        for did in trust_list.dids() if algorithm_did is None else [algorithm_did]:
            try:
                now = self._dialect.checksums(self._search.resolve(did))
            except (AssetNotFound, InvalidInput):
                if algorithm_did is not None:
                    raise
                skipped.append(did)
            else:
                if trust_list.renew(did, now):
                    renewed.append(did)
        gone = f" Left as they were, since they cannot be read: {', '.join(skipped)}."
        note = gone if skipped else ""
        if not renewed:
            return TrustChange(
                trust_list.did,
                f"Nothing changed: the checksums in data set {trust_list.did} are those of now. "
                f"No transaction was sent.{note}",
                skipped_dids=tuple(skipped),
            )
        what = f"Data set {trust_list.did} now has today's checksums of {', '.join(renewed)}.{note}"
        return self._publish(trust_list, wallet, what, tuple(renewed), tuple(skipped))

    def entries(self, dids: Sequence[str], kept: Sequence[Any] = ()) -> list[Any]:
        """Return the entries of a trust list for these algorithms.

        Args:
            dids: the algorithms.
            kept: entries of a list, which stay as they are; algorithms that are new to it are
                trusted as they are now.
        """
        there = {did_of(entry).lower(): entry for entry in kept}
        return [
            there.get(did.lower()) or self._dialect.entry(self._search.resolve(did)) for did in dids
        ]

    def relying_on(self, algorithm: Asset) -> list[Asset]:
        """Return the data sets that trust an algorithm by the checksums that it has now."""
        did, now = str(algorithm.did), self._dialect.checksums(algorithm)
        return [
            dataset
            for dataset in self._search.trusting(did)
            if any(
                _is(entry, did) and any(entry.get(name) == value for name, value in now.items())
                for entry in _TrustList(dataset).entries
            )
        ]

    def renewed(self, dataset: Asset, algorithm: Asset) -> Asset:
        """Return a copy of a data set that trusts an algorithm as this one is."""
        trust_list = _TrustList(asset_of(dataset.as_dictionary()))
        trust_list.renew(str(algorithm.did), self._dialect.checksums(algorithm))
        trust_list.write()
        return trust_list.asset

    def _find(self, did: str) -> Asset | None:
        try:
            return self._search.resolve(did)
        except AssetNotFound:
            return None

    def _list_of(self, dataset_did: str) -> _TrustList:
        return _TrustList(self._search.resolve(check_did(dataset_did, name="dataset_did")))

    def _publish(
        self,
        trust_list: _TrustList,
        wallet: Signer,
        what: str,
        changed: tuple[str, ...],
        skipped: tuple[str, ...] = (),
    ) -> TrustChange:
        self._publishing.check_publisher(trust_list.asset, signer_address(wallet))
        trust_list.write()
        tx_hash = self._publishing.update(trust_list.asset, wallet)
        return TrustChange(trust_list.did, what, changed, skipped, tx_hash)


class _TrustList:
    """The list of trusted algorithms in one data set; DIDs are found in any letter case."""

    def __init__(self, asset: Asset) -> None:
        self.asset = asset
        self.did = str(asset.did)
        _compute_service(asset)
        self.entries = list(asset.get_trusted_algorithms() or [])

    @property
    def allows_all(self) -> bool:
        """Whether every published algorithm may run."""
        return bool(
            self.asset.get_compute_privacy_attributes().get("allowAllPublishedAlgorithms", False)
        )

    def dids(self) -> list[str]:
        """Return the DIDs on the list, each once."""
        return list(dict.fromkeys(str(entry["did"]) for entry in self.entries))

    def check_holds(self, did: str) -> None:
        """Raise InvalidInput unless the algorithm is on the list."""
        if not any(_is(entry, did) for entry in self.entries):
            raise InvalidInput(
                f"Cannot renew the trust in {did}: it is not among the trusted algorithms of data "
                f"set {self.did}, which are: {', '.join(self.dids()) or 'none'}."
            ).advised("add-own-trust", dataset=self.did, algorithm=did)

    def put(self, did: str, values: dict[str, Any]) -> bool:
        """Make the algorithm's entry this one, in its old place; tell whether that is a change."""
        old = [entry for entry in self.entries if _is(entry, did)]
        if len(old) == 1 and {**old[0], **values} == old[0]:
            return False
        entries: list[dict[str, Any]] = []
        for entry in self.entries:
            if not _is(entry, did):
                entries.append(entry)
            elif entry is old[-1]:  # of several entries the last is the one that counts
                entries.append({**entry, **values})
        self.entries = entries if old else [*entries, values]
        return True

    def renew(self, did: str, now: dict[str, str]) -> bool:
        """Renew the checksums that the algorithm's entries have; tell whether one changed."""
        before = self.entries
        self.entries = [
            {**entry, **{k: v for k, v in now.items() if entry.get(k) not in (None, "", EVERY)}}
            if _is(entry, did)
            else entry
            for entry in before
        ]
        return self.entries != before

    def remove(self, did: str) -> bool:
        """Remove the algorithm's entries; tell whether there were any."""
        before = self.entries
        self.entries = [entry for entry in before if not _is(entry, did)]
        return len(self.entries) < len(before)

    def write(self) -> None:
        """Put the list into the asset, beside its other rules as they are."""
        rules = self.asset.get_compute_privacy_attributes()
        rules[TRUSTED_ALGORITHMS] = self.entries
        _compute_service(self.asset).main["privacy"] = rules


def _is(entry: dict[str, Any], did: str) -> bool:
    return str(entry["did"]).lower() == did.lower()


def _compute_service(asset: Asset) -> Service:
    service = asset.get_service(ServiceTypes.CLOUD_COMPUTE)
    if service is None:
        offered = ", ".join(str(other.type) for other in asset.services) or "none"
        raise NoComputeService(
            f"Asset {asset.did} has no compute service, so there is nothing to trust algorithms "
            f"with; its services are: {offered}."
        )
    return service
