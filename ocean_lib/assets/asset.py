"""An asset: a DDO with a datatoken, and the rules of its compute service."""

from __future__ import annotations

from typing import Any

from ocean_lib.base.tables import html_table
from ocean_lib.checks import printable
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.common.ddo.service import Service
from ocean_lib.documents.plain import as_dict, as_list, plain, required
from ocean_lib.documents.reading import view_of
from ocean_lib.documents.view import AssetView
from ocean_lib.exceptions import InvalidInput, NoComputeService
from ocean_lib.http.redaction import one_line as shown

_TRUSTED = "publisherTrustedAlgorithms"
_SHOWN_CHARS = 200


class Asset(DDO):
    """A data set or an algorithm that can be ordered with its datatoken.

    Attributes:
        transactions: the hashes of the transactions that published it, where this process did:
            of its datatoken, if a new one was made, and of its document.
    """

    transactions: tuple[str, ...] = ()

    @property
    def data_token_address(self) -> str:
        """Address of the asset's datatoken.

        Raises:
            InvalidInput: the document names none.
        """
        address = required(self._other_values, "dataToken", self._name)
        if not isinstance(address, str):
            raise InvalidInput(
                f"'dataToken' of {self._name} must be an address, got {printable(address)}."
            )
        return address

    @data_token_address.setter
    def data_token_address(self, token_address: str) -> None:
        self._other_values["dataToken"] = token_address

    @property
    def values(self) -> dict[str, Any]:
        """A copy of the document's further keys, the datatoken's among them."""
        return self._other_values.copy()

    @property
    def view(self) -> AssetView:
        """The asset in the same words for every generation of documents, read now.

        Raises:
            InvalidInput: the document cannot be read.
        """
        return view_of(self.as_dictionary())

    def get_trusted_algorithms(self) -> list[dict[str, Any]] | None:
        """Return the list of trusted algorithms, or None if the compute service has no list.

        Raises:
            NoComputeService: the asset has no compute service.
            InvalidInput: the service's rules cannot be read.
        """
        trusted = self.get_compute_privacy_attributes().get(_TRUSTED)
        return None if trusted is None else _trust_list(trusted, _TRUSTED)

    def get_compute_privacy_attributes(self) -> dict[str, Any]:
        """Return the compute service's rules; {} if it has none, which trusts nobody.

        Raises:
            NoComputeService: the asset has no compute service.
            InvalidInput: the service's rules cannot be read.
        """
        privacy = self._compute_main().get("privacy")
        return {} if privacy is None else as_dict(privacy, f"privacy of {self._name}")

    def update_compute_privacy(
        self,
        trusted_algorithms: list[dict[str, Any]] | None,
        allow_all: bool,
        allow_raw_algorithm: bool,
    ) -> None:
        """Set the compute service's rules: whom it trusts.

        The change is in this object only, until the asset is updated on chain. Other rules, such
        as `allowNetworkAccess`, stay as they are.

        Args:
            trusted_algorithms: dicts with `did`, `filesChecksum` and `containerSectionChecksum`
                (see `ocean_lib.assets.utils`); None or an empty list trusts none by name.
            allow_all: let every published algorithm run, trusted or not.
            allow_raw_algorithm: let unpublished algorithms run.

        Raises:
            NoComputeService: the asset has no compute service.
            InvalidInput: the list is no list of dicts with a `did`, or a switch is no bool.
        """
        for name, switch in (
            ("allow_all", allow_all),
            ("allow_raw_algorithm", allow_raw_algorithm),
        ):
            if not isinstance(switch, bool):
                raise InvalidInput(f"{name} must be True or False, got {printable(switch)}.")
        trusted = [] if trusted_algorithms is None else trusted_algorithms
        self._set_privacy(
            {
                _TRUSTED: plain(_trust_list(trusted, "trusted_algorithms")),
                "allowAllPublishedAlgorithms": allow_all,
                "allowRawAlgorithm": allow_raw_algorithm,
            }
        )

    def _set_privacy(self, rules: dict[str, Any]) -> None:
        main = self._compute_main()
        privacy = self.get_compute_privacy_attributes()
        privacy.update(rules)
        main["privacy"] = privacy

    def _repr_html_(self) -> str:
        main = _dict_in(self.metadata, "main")
        files = main.get("files")
        rows: list[tuple[str, object]] = [
            ("asset", self.did or ""),
            *((key, main[key]) for key in ("type", "name", "author", "license") if key in main),
            ("data token", self._other_values.get("dataToken", "")),
            ("publisher", self.publisher or ""),
            ("files", len(files) if isinstance(files, list) else ""),
        ]
        rows += [
            (f"service {service.index}", _in_words(service))
            for service in self.services
            if service.type != ServiceTypes.METADATA
        ]
        return html_table((key, shown(str(value), _SHOWN_CHARS)) for key, value in rows)

    def _compute_main(self) -> dict[str, Any]:
        service = self.get_service(ServiceTypes.CLOUD_COMPUTE)
        if service is None:
            has = ", ".join(found.type for found in self.services) or "none"
            raise NoComputeService(
                f"Asset {self._did or '(unnamed)'} has no compute service; its services are: {has}."
            )
        return service.main


def _dict_in(values: Any, key: str) -> dict[str, Any]:
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, dict) else {}


def _in_words(service: Service) -> str:
    main = _dict_in(service.attributes, "main")
    words = [service.type, *(f"{key} {main[key]}" for key in ("cost", "timeout") if key in main)]
    if service.type == ServiceTypes.CLOUD_COMPUTE:
        rules = _dict_in(main, "privacy")
        trusted = rules.get(_TRUSTED)
        words.append(f"{len(trusted) if isinstance(trusted, list) else 0} algorithm(s) trusted")
        if rules.get("allowAllPublishedAlgorithms") is True:
            words.append("all published algorithms allowed")
        if rules.get("allowRawAlgorithm") is True:
            words.append("raw code allowed")
    return ", ".join(words)


def _trust_list(trusted: Any, name: str) -> list[dict[str, Any]]:
    for i, entry in enumerate(as_list(trusted, name)):
        required(entry, "did", f"{name}[{i}]")
    return list(trusted)
