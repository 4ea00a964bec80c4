"""What the generations of documents differ in, for those who describe, change and trust assets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset4 import Asset4
from ocean_lib.assets.utils import generate_trusted_algo_dict
from ocean_lib.backends.node.publisher import NodePublisher
from ocean_lib.backends.node.resolving import algorithm_service
from ocean_lib.backends.node.trust import candidate_of, container_checksum
from ocean_lib.backends.node.trust_report import node_trust_report
from ocean_lib.backends.v3.trust import CHECKSUMS, trust_report
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents import ddo1, ddo4, ddo4_values
from ocean_lib.documents.publishable import files_in
from ocean_lib.exceptions import InvalidInput, NotOffered, OceanError
from ocean_lib.jobs.plan import Algorithm
from ocean_lib.preflight.trust import TrustReport

PublisherFor = Callable[[Asset], NodePublisher]
"""Returns the node that serves an asset."""


class Dialect(Protocol):
    """One generation of documents."""

    def type_of(self, asset: Asset) -> str:
        """Return `dataset` or `algorithm`; InvalidInput if it is neither."""

    def values_of(self, asset: Asset) -> dict[str, Any]:
        """Return every value of an asset's description by its path, but its data token's."""

    def price_of(self, asset: Asset, service: Service) -> str:
        """Return what a service costs, in data tokens, as decimal text."""

    def files_of(self, asset: Asset) -> tuple[str, ...]:
        """Return what is told of each encrypted file."""

    def faults(
        self, asset_type: str, values: Mapping[str, Any], given: Mapping[str, Any] | None
    ) -> Iterator[ddo4_values.Fault]:
        """Say what a description asks for that this generation does not have."""

    def changed(
        self,
        asset: Asset,
        values: Mapping[str, Any],
        now: Mapping[str, Any],
        endpoints: Mapping[str, str],
    ) -> Asset:
        """Return a copy with other values; all else in the document stays as it is."""

    def put_files(self, asset: Asset, files: list[dict[str, Any]]) -> None:
        """Give an asset new files, which are encrypted when it is updated."""

    def entry(self, algorithm: Asset) -> dict[str, Any]:
        """Return an algorithm, as it is now, as an entry of a trust list."""

    def checksums(self, algorithm: Asset) -> dict[str, str]:
        """Return what a trust list records of an algorithm, as it is now."""

    def report(
        self, dataset: Asset, service: Service, algorithm_did: str, algorithm: Asset | None
    ) -> TrustReport:
        """Judge an algorithm by the rules of a data set's compute service."""


class V3Dialect:
    """DDO 1, at a V3 Provider."""

    type_of = staticmethod(ddo1.type_of)
    values_of = staticmethod(ddo1.values_of)
    changed = staticmethod(ddo1.changed_document)
    report = staticmethod(trust_report)

    def price_of(self, asset: Asset, service: Service) -> str:  # noqa: ARG002
        """Return what a service costs, as its document says."""
        return str(service.main.get("cost"))

    def files_of(self, asset: Asset) -> tuple[str, ...]:
        """Return the content type of each file."""
        files = files_in(asset.metadata)
        return tuple(str(file.get("contentType", "")) for file in files if isinstance(file, dict))

    def faults(
        self,
        asset_type: str,  # noqa: ARG002
        values: Mapping[str, Any],
        given: Mapping[str, Any] | None,  # noqa: ARG002
    ) -> Iterator[ddo4_values.Fault]:
        """Say that V3 sells no data tokens when an asset is published."""
        if values.get("token.sold_for"):
            yield "token.sold_for", "is for Ocean Nodes only", "leave it out"

    def put_files(self, asset: Asset, files: list[dict[str, Any]]) -> None:
        """Put the files with their URLs into the metadata."""
        if asset.metadata is not None:
            asset.metadata["main"]["files"] = files

    def entry(self, algorithm: Asset) -> dict[str, Any]:
        """Return an algorithm as an entry, with the checksums of its document."""
        return generate_trusted_algo_dict(ddo=algorithm)

    def checksums(self, algorithm: Asset) -> dict[str, str]:
        """Return the checksums of an algorithm's document."""
        entry = self.entry(algorithm)
        return {name: str(entry[name]) for name in CHECKSUMS}


class NodeDialect:
    """DDO 4, at an Ocean Node.

    Args:
        publisher_for: returns the node of an asset, which knows its files' contents.
    """

    def __init__(self, publisher_for: PublisherFor) -> None:
        self._publisher_for = publisher_for

    def type_of(self, asset: Asset) -> str:
        """Return an asset's type."""
        return ddo1.type_of(asset)

    def values_of(self, asset: Asset) -> dict[str, Any]:
        """Return every value of an asset's description by its path."""
        document = ddo4.subject_of(asset.as_dictionary())
        kind, state = self.type_of(asset), asset.view.state
        return ddo4_values.read_values(kind, document, state, _price_in(document))

    def price_of(self, asset: Asset, service: Service) -> str:  # noqa: ARG002
        """Return what its data token is sold for; an order takes one of them."""
        price = _price_in(ddo4.subject_of(asset.as_dictionary()))
        return str(1 if price is None else price)

    def files_of(self, asset: Asset) -> tuple[str, ...]:  # noqa: ARG002
        """Return nothing: a document says not even how many files there are."""
        return ()

    def faults(
        self, asset_type: str, values: Mapping[str, Any], given: Mapping[str, Any] | None
    ) -> Iterator[ddo4_values.Fault]:
        """Say what a description asks for that a node does not have."""
        return ddo4_values.faults(asset_type, values, given)

    def changed(
        self,
        asset: Asset,
        values: Mapping[str, Any],
        now: Mapping[str, Any],
        endpoints: Mapping[str, str],  # noqa: ARG002
    ) -> Asset4:
        """Return a copy of an asset with other values.

        Raises:
            NotOffered: its document is of DDO 5.
        """
        document = asset.as_dictionary()
        if ddo4.SUBJECT in document:
            raise NotOffered(
                f"{asset.did} has a document of DDO 5, which this version reads and does not "
                "write. Change it with what published it."
            )
        kinds = ddo4_values.services_of(now)
        there = document["services"]
        kept = [s for s in there if s["type"] in kinds or s["type"] not in ("compute", "access")]
        for kind in kinds:
            if kind not in [service["type"] for service in kept]:
                kept.append(_like(there[0], kind, document["metadata"]["name"]))
        document["services"] = kept
        is_new = len(kept) > len([s for s in kept if s in there])
        ddo4_values.write_values(document, now if is_new else values)
        if "disabled" in values:
            state = ddo4_values.DISABLED_STATE if values["disabled"] else 0
            document.setdefault("indexedMetadata", {}).setdefault("nft", {})["state"] = state
        return Asset4(document)

    def put_files(self, asset: Asset, files: list[dict[str, Any]]) -> None:
        """Keep the URLs until the asset is updated."""
        if isinstance(asset, Asset4):
            asset.new_files = tuple(str(file["url"]) for file in files)

    def entry(self, algorithm: Asset) -> dict[str, Any]:
        """Return an algorithm as an entry, with the checksums of its files' contents."""
        view = algorithm.view
        service = algorithm_service(view, Algorithm())
        return {"did": view.did, **self.checksums(algorithm), "serviceId": service.id}

    def checksums(self, algorithm: Asset) -> dict[str, str]:
        """Return the checksums of an algorithm; one request, for its files.

        Raises:
            InvalidInput: it is not an algorithm, or the node cannot read its files.
        """
        view = algorithm.view
        if view.algorithm is None:
            raise InvalidInput(f"{view.did} is not an algorithm, but of type {view.type}.")
        service = algorithm_service(view, Algorithm())
        files = self._publisher_for(algorithm).files(view.did, service.id)
        if not files or not all(file.is_readable for file in files):
            raise InvalidInput(
                f"The node cannot read the files of {view.did}, so it cannot be trusted as they "
                "are. Ask its publisher to put them back."
            )
        return {
            "filesChecksum": "".join(file.checksum for file in files),
            "containerSectionChecksum": container_checksum(view.algorithm),
        }

    def report(
        self, dataset: Asset, service: Service, algorithm_did: str, algorithm: Asset | None
    ) -> TrustReport:
        """Judge an algorithm by the rules of a data set's compute service."""
        view, judged = dataset.view, None
        if algorithm is not None:
            meant = algorithm_service(algorithm.view, Algorithm())
            checksums: Sequence[str] = ()
            try:
                checksums = [self.checksums(algorithm)["filesChecksum"]]
            except OceanError:
                checksums = ()  # the report says that they are not known
            judged = candidate_of(algorithm.view, meant, checksums)
        return node_trust_report(view, view.service(service.index or 0), algorithm_did, judged)


def _like(service: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Return a new service with the files and the datatoken of another."""
    keys = ("datatokenAddress", "serviceEndpoint", "files", "timeout")
    token, endpoint, files, timeout_s = (service[key] for key in keys)
    return ddo4_values.new_service(kind, name, token, endpoint, files, timeout_s)


def _price_in(document: Mapping[str, Any]) -> Any:
    """Return what the indexer says a data token costs; None if nobody gives or sells it."""
    stats = (document.get("indexedMetadata") or {}).get("stats") or []
    prices = [price for one in stats for price in one.get("prices") or []]
    if not prices:
        return None
    text = str(prices[0].get("price", "0"))
    number = float(text)
    return int(number) if number.is_integer() else number
