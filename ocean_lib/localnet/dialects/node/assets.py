"""Published assets as a node checks them, each check with the node's own refusal."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from typing import Any

from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.node.contract_calls import read
from ocean_lib.localnet.dialects.node.jobs import file_name
from ocean_lib.localnet.dialects.node.node_key import ForeignText, NodeKey
from ocean_lib.localnet.dialects.node.orders import OrderedService, has_fees, is_ordered
from ocean_lib.localnet.dialects.node.rules import (
    NOT_ORDERABLE,
    Checksums,
    Document,
    admits,
    container_checksum,
    is_orderable,
    is_trusted,
    service_of,
)
from ocean_lib.localnet.dialects.node.sources import asking_of
from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.files.access import FileAccess, FileUnavailable
from ocean_lib.localnet.metadata.store import MetadataStore

NO_FILES = "Unable to decrypt files, files not served by the current node!"
_NO_CHECKSUMS = (
    "Failed to retrieve algorithm checksums. Both container and files checksums are required."
)
EMPTY_CHECKSUM = hashlib.sha256().hexdigest()


class Assets:
    """What was published, and who may use it.

    Args:
        store: The documents.
        chain: Where orders and access lists are.
        key: Opens the file lists.
        files: Reads the files.
    """

    def __init__(
        self, store: MetadataStore, chain: ChainClient, key: NodeKey, files: FileAccess
    ) -> None:
        self.store = store
        self._chain = chain
        self.key = key
        self._files = files

    def usable(self, did: str) -> Document:
        """Return the document of an asset that may be used now.

        Raises:
            Refused: If there is none, or its state forbids it.
        """
        ddo = self.store.document(did)
        if ddo is None:
            raise Refused(500, f"DDO {did} not found")
        if not is_orderable(ddo):
            raise Refused(500, NOT_ORDERABLE)
        return ddo

    def service(self, ddo: Document, asked: Document, consumer: str) -> Document:
        """Return the service that a job asks for, if its consumer may use it.

        Raises:
            Refused: If credentials deny it, of the asset or the service, or there is no such one.
        """
        did = asked["documentId"]
        if not admits(ddo.get("credentials"), consumer, self._lists(consumer)):
            raise Refused(403, f"Error: Access to asset {ddo['id']} was denied")
        service = service_of(ddo, asked.get("serviceId"))
        if service is None:
            raise Refused(500, f"Cannot find service {asked.get('serviceId')} in DDO {did}")
        if not admits(service.get("credentials"), consumer, self._lists(consumer)):
            raise Refused(403, f"Error: Access to service with id {service['id']} was denied")
        return service

    def can_open(self, service: Document, asked: Document) -> bool:
        """Tell whether this node can read a service's files.

        Raises:
            Refused: If it is a compute service, and it cannot.
        """
        try:
            self.key.files_of(service)
        except ForeignText:
            if service.get("type") != "compute":
                return False
            text = f"Service {asked.get('serviceId')} from DDO {asked['documentId']}"
            raise Refused(500, f"{text} cannot be used in compute on this provider") from None
        return True

    def checksums(self, algorithm: Document) -> Checksums:
        """Return the checksums of an algorithm's files and container, as trust needs them.

        Raises:
            Refused: If they are not known, and the algorithm does not come along as code.
        """
        found = self._checksums(algorithm)
        meta = algorithm.get("meta")
        has_code = isinstance(meta, dict) and bool(meta.get("rawcode"))
        if not has_code and not (found.files and found.container):
            raise Refused(500, _NO_CHECKSUMS)
        return found

    def check_trust(
        self, ddo: Document, datasets: Sequence[Document], algorithm: Document, known: Checksums
    ) -> None:
        """Refuse an algorithm that may not run on a data set."""
        if ddo["metadata"].get("type") == "algorithm":
            return
        named = [one for one in datasets if one.get("documentId") == ddo["id"]]
        service = service_of(ddo, (named or datasets)[0].get("serviceId")) if datasets else None
        did = algorithm.get("documentId")

        def nft() -> str | None:
            found = self.store.document(str(did))
            return None if found is None else str(found.get("nftAddress"))

        if not is_trusted(service, did, known, nft):
            shown = did or "undefined"
            raise Refused(400, f"Algorithm {shown} not allowed to run on the dataset: {ddo['id']}")

    def is_ordered(self, ddo: Document, service: Document, order: object, who: str) -> bool:
        """Tell whether a transaction is a good order of a service, by or for somebody."""
        return is_ordered(self._chain, order, OrderedService.of(ddo, service), who)

    def has_fees(self, ddo: Document, service: Document, order: object) -> bool:
        """Tell whether an order's transaction paid this node's fees."""
        wanted = OrderedService.of(ddo, service)
        return has_fees(self._chain, order, wanted, self.key.address)

    def file_infos(self, did: str, service_id: object) -> list[Document]:
        """Describe the files of a service, with their checksums.

        Raises:
            Refused: If this node cannot open them.
        """
        try:
            files = self._files_of(did, service_id)
        except ForeignText:
            raise Refused(500, NO_FILES) from None
        return [self.describe(file) for file in files]

    def describe(self, file: Document) -> Document:
        """Tell what is known of a file; one that cannot be read is empty."""
        asking = asking_of(file)
        found = self._files.describe(file.get("url"), with_checksum=True, asking=asking)
        return {
            "valid": True,
            "contentLength": found.get("contentLength", "0"),
            "contentType": found.get("contentType", ""),
            "checksum": found.get("checksum", EMPTY_CHECKSUM),
            "name": file_name(str(file.get("url", ""))),
            "type": file.get("type", "url"),
        }

    def content(self, file: Document) -> bytes:
        """Read a file.

        Raises:
            Refused: If it cannot be read.
        """
        try:
            opened = self._files.open(file.get("url"))
            with contextlib.closing(opened):
                return b"".join(opened.chunks)
        except FileUnavailable:
            raise Refused(500, "Cannot fetch files") from None

    def _files_of(self, did: str, service_id: object) -> list[Document]:
        ddo = self.store.document(did)
        if ddo is None or not is_orderable(ddo):
            raise ForeignText("there is no such asset")
        service = service_of(ddo, service_id)
        if service is None:
            raise ForeignText("there is no such service")
        return self.key.files_of(service)

    def _checksums(self, algorithm: Document) -> Checksums:
        did, service_id = algorithm.get("documentId"), algorithm.get("serviceId")
        if not did:
            return Checksums(service_id=service_id)
        try:
            files = self._files_of(str(did), service_id)
        except ForeignText:
            return Checksums(service_id=service_id)
        sums = "".join(self.describe(file)["checksum"] for file in files)
        ddo = self.store.document(str(did)) or {}
        described = ddo.get("metadata", {}).get("algorithm")
        container = described.get("container") if isinstance(described, dict) else None
        if not isinstance(container, dict):
            return Checksums(sums, "", service_id)
        return Checksums(sums, container_checksum(container), service_id)

    def _lists(self, consumer: str) -> Any:
        def is_listed(contract: str) -> bool:
            try:
                (count,) = read(self._chain, contract, "balanceOf(address)", "uint256", consumer)
            except (RpcError, ValueError, TypeError):
                return False
            return bool(count)

        return is_listed
