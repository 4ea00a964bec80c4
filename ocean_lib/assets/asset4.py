"""An asset whose document is of DDO 4 or 5: the same handle as one of V3."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.node.trust import admits, is_orderable
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.credentials import simplify_credential_to_address
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents import ddo4
from ocean_lib.documents.plain import plain
from ocean_lib.documents.reading import generation_of_document
from ocean_lib.exceptions import InvalidInput, MalformedCredential, NoComputeService

_MAIN = ("type", "name", "author", "license", "algorithm")


class Asset4(Asset):
    """A data set or an algorithm of V4 (DDO 4), or of Ocean Enterprise (DDO 5, untested).

    What V3's assets have is read from its document: `metadata` and `services` are in V3's words.
    `view` has all of it in words of its own. It is changed with `assets.change`.

    Attributes:
        new_files: URLs of the files that it is to have from the next update on; () if those that
            it has stay.

    Args:
        dictionary: the document, as a node or a metadata cache serves it; it is copied.

    Raises:
        InvalidInput: it cannot be read; the message names the key.
    """

    new_files: tuple[str, ...] = ()

    def __init__(self, dictionary: dict[str, Any]) -> None:
        self._document: dict[str, Any] = {}
        super().__init__(dictionary=dictionary)

    def _read(self, document: dict[str, Any]) -> None:
        self._document = plain(document)
        subject = ddo4.subject_of(self._document)
        view = ddo4.view_of(self._document)
        self._read_keys = tuple(self._document)
        self._did = view.did
        self._created = _part(subject, "metadata").get("created")
        self._services = [
            _service(view.services[index].index, item)
            for index, item in enumerate(subject["services"])
        ]
        found = subject.get("credentials")
        self._credentials = found if isinstance(found, dict) else {}
        self._other_values = {"dataToken": view.datatoken, "chainId": view.chain_id}
        self._owner = view.owner

    @property
    def publisher(self) -> str | None:
        """The owner of its NFT, who alone can change it; None if the indexer does not say."""
        return self._owner or None

    @property
    def metadata(self) -> dict[str, Any]:
        """What the document says of the asset, in V3's words; a copy."""
        found = _part(ddo4.subject_of(self._document), "metadata")
        main = {key: found[key] for key in _MAIN if key in found}
        main["dateCreated"] = found.get("created")
        known = {*_MAIN, "created"}
        more = {key: value for key, value in found.items() if key not in known}
        result: dict[str, Any] = plain({"main": main, "additionalInformation": more})
        return result

    def get_service_by_index(self, index: int | str) -> Service | None:
        """Return the service with an id, or at an index; None if there is none."""
        with suppress(NoComputeService):
            return self._services[self.view.service(index).index]
        return None

    @property
    def encrypted_files(self) -> str:
        """The encrypted list of files of its first service."""
        return self.view.services[0].files if self.view.services else ""

    @property
    def is_disabled(self) -> bool:
        """Whether it cannot be ordered, by the state of its NFT."""
        return not is_orderable(self.view)

    def enable(self) -> None:
        """Refuse: the state is on the chain."""
        self._refuse_state()

    def disable(self) -> None:
        """Refuse: the state is on the chain."""
        self._refuse_state()

    def _refuse_state(self) -> None:
        raise InvalidInput(
            f"The state of {self.did} is on the chain, not in its document. Change it with "
            "assets.change(did, {'disabled': True or False}, wallet)."
        )

    def is_consumable(
        self,
        credential: dict[str, Any] | None = None,
        with_connectivity_check: bool = True,
        provider_uri: str | None = None,
    ) -> int:
        """Tell whether the asset can be consumed, by a node's rules; see `DDO.is_consumable`.

        Raises:
            MalformedCredential: a list on the chain decides, which is not asked here.
        """
        if self.is_disabled:
            return ConsumableCodes.ASSET_DISABLED
        if with_connectivity_check and provider_uri and not self._is_reachable(provider_uri):
            return ConsumableCodes.CONNECTIVITY_FAIL
        address = simplify_credential_to_address(credential) or ""
        is_denied, is_allowed = admits(self.view.credentials, address)
        if is_denied is None or is_allowed is None:
            raise MalformedCredential(
                f"Who may use {self.did} is on an access list on the chain, which is not asked."
            )
        if is_denied:
            return ConsumableCodes.CREDENTIAL_IN_DENY_LIST
        if not is_allowed:
            return ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST
        return ConsumableCodes.OK

    def as_dictionary(self, is_proof: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """Return the document as a dict of its own, as it came.

        Args:
            is_proof: has no effect: these documents have no proof in V3's sense.
        """
        subject = ddo4.subject_of(self._document)
        if self._credentials:
            subject["credentials"] = self._credentials
        listed = subject["services"]
        for item, service in zip(listed, self._services, strict=True):
            if service.main.get("privacy"):
                item["compute"] = service.main["privacy"]
        result: dict[str, Any] = plain(self._document)
        return result


def _service(index: int, item: dict[str, Any]) -> Service:
    """Return a service with V3's attributes."""
    main: dict[str, Any] = {
        "name": item.get("name") or "",
        "cost": 1,  # an order takes one datatoken
        "timeout": item.get("timeout"),
    }
    if item["type"] == ServiceTypes.CLOUD_COMPUTE:
        main["privacy"] = item.get("compute") or {}
    others = {key: value for key, value in item.items() if key not in ("compute", "attributes")}
    return Service(item.get("serviceEndpoint"), item["type"], {"main": main}, others, index)


def _part(values: dict[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def asset_of(document: dict[str, Any]) -> Asset:
    """Return the asset of a document, of whichever generation; it is copied.

    Raises:
        InvalidInput: it cannot be read; of none that is known, the message says what was seen.
    """
    is_v3 = generation_of_document(document) == 1
    return Asset(dictionary=document) if is_v3 else Asset4(document)
