"""The document that describes an asset: read it, ask it, change it, write it."""

from __future__ import annotations

import json
import logging
import os
from typing import Any, Protocol

from ocean_lib.base.text_files import read_text, why_unreadable, without_mark
from ocean_lib.checks import printable
from ocean_lib.common.agreements.consumable import ConsumableCodes
from ocean_lib.common.agreements.service_agreement import ServiceAgreement
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.credentials import AddressCredential
from ocean_lib.common.ddo.service import Service
from ocean_lib.common.did import OCEAN_PREFIX, did_to_id
from ocean_lib.common.utils.utilities import get_timestamp
from ocean_lib.documents.plain import as_dict, as_list, in_order, parsed_json, plain, required
from ocean_lib.exceptions import InvalidDid, InvalidInput

logger = logging.getLogger(__name__)

DID_DDO_CONTEXT_URL = "https://w3id.org/did/v1"
PROOF_TYPE = "DDOIntegritySignature"
PUBLIC_KEY_TYPE_RSA = "RsaSignatureAuthentication2018"
PUBLIC_KEY_TYPE_ETHEREUM_ECDSA = "EthereumECDSAKey"
_DISABLED = "isOrderDisabled"


class _HasAddress(Protocol):
    @property
    def address(self) -> str: ...


class DDO:
    """The description of one asset.

    A DDO that was read gives back what it had: every key, in the order it came in, and nothing
    that was not there. Checksums are made over that text.

    Args:
        did: the asset's DID, for a new document.
        json_text: a document as JSON text.
        json_filename: a file with a document, read if there is no `json_text`.
        created: when the new document was made, as `2021-06-24T10:00:00Z`; now if left out.
        dictionary: a document as a dict, read if there is no text; it is copied.

    Raises:
        InvalidInput: the document cannot be read; the message names the key.
        OSError: the file cannot be read.
    """

    def __init__(
        self,
        did: str | None = None,
        json_text: str | None = None,
        json_filename: str | os.PathLike[str] | None = None,
        created: str | None = None,
        dictionary: dict[str, Any] | None = None,
    ) -> None:
        self._did = did
        self._created: str | None = created or get_timestamp()
        self._public_keys: list[dict[str, Any]] = []
        self._authentications: list[dict[str, Any]] = []
        self._services: list[Service] = []
        self._proof: dict[str, Any] | None = None
        self._credentials: dict[str, Any] = {}
        self._other_values: dict[str, Any] = {}
        # The keys of the document it was read from; none for a new one.
        self._read_keys: tuple[str, ...] = ()

        name = "DDO"
        if not json_text and json_filename:
            name = f"The file {printable(os.fspath(json_filename))}"
            try:
                json_text = read_text(json_filename)
            except UnicodeError as error:
                raise InvalidInput(f"{name} is no DDO: {why_unreadable(error)}.") from None
        if json_text:
            self._read(as_dict(parsed_json(without_mark(json_text), name), name))
        elif dictionary is not None:
            self._read(as_dict(dictionary, "DDO"))

    @property
    def did(self) -> str | None:
        """The asset's DID; None while it has none."""
        return self._did

    @property
    def asset_id(self) -> str | None:
        """The id in the DID, with `0x`: the datatoken's address; None while there is no DID."""
        if not self._did:
            return None
        asset_id = did_to_id(self._did)
        return asset_id if asset_id.startswith("0x") else f"0x{asset_id}"

    @property
    def services(self) -> list[Service]:
        """The services, in a list of its own."""
        return self._services[:]

    @property
    def proof(self) -> dict[str, Any] | None:
        """The proof; changes to it change the document."""
        return self._proof

    @property
    def credentials(self) -> dict[str, Any]:
        """The allow and deny lists; changes to it change the document."""
        return self._credentials

    @property
    def publisher(self) -> str | None:
        """Address of the publisher, from the proof."""
        return self._proof.get("creator") if self._proof else None

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The attributes of the metadata service; changes to them change the document."""
        service = self.get_service(ServiceTypes.METADATA)
        return service.attributes if service else None

    @property
    def created(self) -> str | None:
        """When the document was made."""
        return self._created

    @property
    def encrypted_files(self) -> Any:
        """The encrypted list of files.

        Raises:
            InvalidInput: the metadata has none.
        """
        return required(self.metadata, "encryptedFiles", f"metadata of {self._name}")

    def assign_did(self, did: str) -> str:
        """Set the DID of a new document.

        Args:
            did: `did:op:` and the datatoken's address without `0x`.

        Returns:
            The DID.

        Raises:
            InvalidDid: it is no such DID, or the document has one already.
        """
        if self._did:
            raise InvalidDid(f"The DDO already has the DID {printable(self._did)}.")
        if not isinstance(did, str) or not did.startswith(OCEAN_PREFIX):
            raise InvalidDid(f"did must start with '{OCEAN_PREFIX}', got {printable(did)}.")
        did_to_id(did)
        self._did = did
        return did

    def add_public_key(self, did: str, public_key: str) -> None:
        """Add a public key of type `EthereumECDSAKey`.

        Args:
            did: the key's id.
            public_key: the owner's address.
        """
        key = {"id": did, "type": PUBLIC_KEY_TYPE_ETHEREUM_ECDSA, "owner": public_key}
        self._public_keys.append(key)

    def add_authentication(self, public_key: str, authentication_type: str) -> None:
        """Add an authentication record.

        Args:
            public_key: id of the public key it goes with.
            authentication_type: for example `RsaSignatureAuthentication2018`.

        Raises:
            InvalidInput: there is no key id.
        """
        if not public_key:
            raise InvalidInput("An authentication record needs the id of a public key.")
        self._authentications.append({"type": authentication_type, "publicKey": public_key})

    def add_service(
        self,
        service_type: str | Service,
        service_endpoint: str | None = None,
        values: dict[str, Any] | None = None,
        index: int | None = None,
    ) -> None:
        """Add a service.

        Args:
            service_type: a `Service`, which is added as it is; or its type.
            service_endpoint: where the service is offered.
            values: its `attributes` and further keys; they are copied.
            index: its index.

        Raises:
            InvalidInput: `values` or its attributes are no dict.
        """
        if isinstance(service_type, Service):
            self._services.append(service_type)
            return
        others = plain(as_dict(values or {}, "values of a service"))
        attributes = others.pop("attributes", None)
        self._services.append(Service(service_endpoint, service_type, attributes, others, index))

    def get_service(self, service_type: str | None = None) -> Service | None:
        """Return the first service of a type, or None.

        Args:
            service_type: one of `ServiceTypes`.
        """
        if not service_type:
            return None
        return next((s for s in self._services if s.type == service_type), None)

    def get_service_by_index(self, index: int | str) -> Service | None:
        """Return the service with an index, or None.

        Args:
            index: the index in the DDO, 0 included; its decimal text will do.
        """
        if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 10:
            index = int(index)
        if not isinstance(index, int) or isinstance(index, bool):
            logger.error("The index %s of a service is no int.", printable(index))
            return None
        return next((s for s in self._services if s.index == index), None)

    def add_proof(self, checksums: Any, publisher_account: _HasAddress) -> None:
        """Set the proof; its signature is still empty.

        Args:
            checksums: service index (as text) to the checksum of the service's `main`.
            publisher_account: the publisher's wallet.
        """
        self._proof = {
            "type": PROOF_TYPE,
            "created": get_timestamp(),
            "creator": publisher_account.address,
            "signatureValue": "",
            "checksum": checksums,
        }

    @property
    def is_disabled(self) -> bool:
        """Whether the publisher has disabled the asset, in either of the two places.

        Raises:
            InvalidInput: the asset's status cannot be read.
        """
        return any(status.get(_DISABLED, False) for _, status in self._statuses())

    @property
    def is_enabled(self) -> bool:
        """The opposite of `is_disabled`.

        Raises:
            InvalidInput: the asset's status cannot be read.
        """
        return not self.is_disabled

    def enable(self) -> None:
        """Let the asset be ordered; no change if it already can be.

        Raises:
            InvalidInput: the asset has no metadata service, or its status cannot be read.
        """
        self._metadata()
        for holder, status in self._statuses():
            if _DISABLED in status:
                del status[_DISABLED]
                holder["status"] = status

    def disable(self) -> None:
        """Stop the asset from being ordered.

        Provider 0.4.12 reads the document's own status, later ones that of the metadata service:
        both are set.

        Raises:
            InvalidInput: the asset has no metadata service, or its status cannot be read.
        """
        self._metadata()
        for holder, status in self._statuses():
            holder["status"] = {**status, _DISABLED: True}

    @property
    def requires_address_credential(self) -> bool:
        """Whether the asset has an allow or a deny list with addresses."""
        return self._credential.requires_credential()

    @property
    def allowed_addresses(self) -> list[str]:
        """The addresses on the allow list, in lower case."""
        return self._credential.get_addresses_of_class("allow")

    @property
    def denied_addresses(self) -> list[str]:
        """The addresses on the deny list, in lower case."""
        return self._credential.get_addresses_of_class("deny")

    def add_address_to_allow_list(self, address: str) -> None:
        """Add an address to the allow list, unless it is there.

        Args:
            address: who may consume the asset; with an allow list, nobody else may.

        Raises:
            InvalidAddress: it is no address.
        """
        self._credential.add_address_to_access_class(address, "allow")

    def add_address_to_deny_list(self, address: str) -> None:
        """Add an address to the deny list, unless it is there.

        Args:
            address: who may not consume the asset. The list has no effect beside an allow list.

        Raises:
            InvalidAddress: it is no address.
        """
        self._credential.add_address_to_access_class(address, "deny")

    def remove_address_from_allow_list(self, address: str) -> None:
        """Remove an address from the allow list, if it is there.

        Args:
            address: in any case.
        """
        self._credential.remove_address_from_access_class(address, "allow")

    def remove_address_from_deny_list(self, address: str) -> None:
        """Remove an address from the deny list, if it is there.

        Args:
            address: in any case.
        """
        self._credential.remove_address_from_access_class(address, "deny")

    def is_consumable(
        self,
        credential: dict[str, Any] | None = None,
        with_connectivity_check: bool = True,
        provider_uri: str | None = None,
    ) -> int:
        """Tell whether the asset can be consumed.

        Args:
            credential: who asks: `{"type": "address", "value": "0x…"}`.
            with_connectivity_check: ask the Provider whether it reaches the asset's files.
            provider_uri: the Provider's URL; without it nobody is asked.

        Returns:
            One of `ConsumableCodes`; the first that applies, in the order of their numbers.

        Raises:
            MalformedCredential: the credential or the asset's lists cannot be read, or there is
                a deny list and no credential.
            TransportError: the Provider did not answer.
            ProviderError: the Provider answered with an error of its own.
        """
        if self.is_disabled:
            return ConsumableCodes.ASSET_DISABLED
        if with_connectivity_check and provider_uri and not self._is_reachable(provider_uri):
            return ConsumableCodes.CONNECTIVITY_FAIL
        return self._credential.validate_access(credential)

    def as_text(self, is_proof: bool = True, is_pretty: bool = False) -> str:
        """Return the document as JSON text.

        Args:
            is_proof: with the proof.
            is_pretty: break and indent the lines.
        """
        if is_pretty:
            return json.dumps(self.as_dictionary(is_proof), indent=2, separators=(",", ": "))
        return json.dumps(self.as_dictionary(is_proof))

    def as_dictionary(self, is_proof: bool = True) -> dict[str, Any]:
        """Return the document as a dict of its own.

        Args:
            is_proof: with the proof.
        """
        read = self._read_keys
        parts: dict[str, Any] = {} if read else {"@context": DID_DDO_CONTEXT_URL}
        if self._did is not None or "id" in read or not read:
            parts["id"] = self._did
        for key, value in (
            ("created", self._created),
            ("publicKey", self._public_keys),
            ("authentication", self._authentications),
            ("service", self._services),
            ("proof", self._proof),
            ("credentials", self._credentials),
        ):
            # Empty parts are written only where they were read; a null stays in _other_values.
            if value or (key in read and key not in self._other_values):
                parts[key] = value
        if not is_proof:
            parts.pop("proof", None)
        others = {k: v for k, v in self._other_values.items() if k not in parts}
        if not is_proof:
            others.pop("proof", None)
        result: dict[str, Any] = plain(in_order({**parts, **others}, read))
        return result

    def _read(self, document: dict[str, Any]) -> None:
        values = plain(document)
        self._read_keys = tuple(values)
        self._did = required(values, "id", "DDO")
        if self._did is not None and not isinstance(self._did, str):
            raise InvalidInput(f"'id' of a DDO must be text, got {printable(self._did)}.")
        del values["id"]
        self._created = values.pop("created", None)

        def part(key: str, absent: Any) -> Any:
            return absent if values.get(key) is None else values.pop(key)

        self._public_keys = [
            as_dict(item, f"publicKey[{i}]")
            for i, item in enumerate(as_list(part("publicKey", []), "publicKey"))
        ]
        self._authentications = [
            _authentication(item, f"authentication[{i}]")
            for i, item in enumerate(as_list(part("authentication", []), "authentication"))
        ]
        self._services = [
            _service(item, f"service[{i}]")
            for i, item in enumerate(as_list(part("service", []), "service"))
        ]
        proof = part("proof", None)
        self._proof = None if proof is None else as_dict(proof, "proof")
        self._credentials = as_dict(part("credentials", {}), "credentials")
        self._other_values = values

    def _is_reachable(self, provider_uri: str) -> bool:
        # Imported here: the Provider's client needs DDOs itself.
        from ocean_lib.data_provider.data_service_provider import DataServiceProvider

        return bool(DataServiceProvider.check_asset_file_info(self, provider_uri))

    def _statuses(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Return each part of the document that can hold a status, and the status there."""
        service = self.get_service(ServiceTypes.METADATA)
        places = [(self._other_values, "status of the asset")]
        if service is not None:
            places.append((service.attributes, "status in the asset's metadata"))
        return [(holder, as_dict(holder.get("status") or {}, name)) for holder, name in places]

    def _metadata(self) -> dict[str, Any]:
        service = self.get_service(ServiceTypes.METADATA)
        if service is None:
            raise InvalidInput(
                f"Asset {self.did or '(unnamed)'} has no metadata service to hold its status."
            )
        return service.attributes

    @property
    def _credential(self) -> AddressCredential:
        return AddressCredential(self)

    @property
    def _name(self) -> str:
        return f"asset {self._did or '(unnamed)'}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._did or 'no DID yet'})"


def _authentication(item: Any, name: str) -> dict[str, Any]:
    record = as_dict(item, name)
    required(record, "publicKey", name)
    return record


def _service(item: Any, name: str) -> Service:
    values = as_dict(item, name)
    service_type = required(values, "type", name)
    if service_type in (ServiceTypes.ASSET_ACCESS, ServiceTypes.CLOUD_COMPUTE):
        return ServiceAgreement.from_json(values)
    return Service.from_json(values)
