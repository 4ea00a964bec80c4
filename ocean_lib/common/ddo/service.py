"""One service of an asset, as its DDO lists it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ocean_lib.checks import printable
from ocean_lib.documents.plain import as_dict, in_order, plain, required
from ocean_lib.exceptions import InvalidDocument, InvalidInput

if TYPE_CHECKING:
    from typing_extensions import Self

_LONGEST_TYPE = 80


class Service:
    """One service of an asset.

    A service that was read from a dict gives back that dict: every key, in the order it came in.

    Args:
        service_endpoint: where the service is offered; None leaves it out.
        service_type: one of `ServiceTypes`.
        attributes: the service's description, `main` first of all.
        other_values: further keys of the service, kept as they are.
        index: the service's index in its DDO; None leaves it out.

    Raises:
        InvalidInput: `attributes` or `other_values` is no dict.
    """

    SERVICE_ENDPOINT = "serviceEndpoint"
    SERVICE_TYPE = "type"
    SERVICE_INDEX = "index"
    SERVICE_ATTRIBUTES = "attributes"

    def __init__(
        self,
        service_endpoint: str | None,
        service_type: str | None,
        attributes: dict[str, Any] | None,
        other_values: Mapping[str, Any] | None = None,
        index: int | None = None,
    ) -> None:
        for name, value in (("attributes", attributes), ("other_values", other_values)):
            if value is not None and not isinstance(value, Mapping):
                raise InvalidInput(f"{name} of a service must be a dict, got {printable(value)}.")
        self._service_endpoint = service_endpoint
        self._type = service_type or ""
        self._index = index
        self._attributes: dict[str, Any] = attributes if attributes is not None else {}
        self._reserved_names = {self.SERVICE_ENDPOINT, self.SERVICE_TYPE, self.SERVICE_INDEX}
        self._values = {
            name: value
            for name, value in (other_values or {}).items()
            if name not in self._reserved_names
        }
        # The keys of the dict it was read from; none for a service made here.
        self._read_keys: tuple[str, ...] = ()
        self._written_index = index

    @property
    def type(self) -> str:
        """Type of the service, one of `ServiceTypes`."""
        return self._type

    @property
    def index(self) -> int | None:
        """Index of the service in its DDO."""
        return self._index

    @property
    def service_endpoint(self) -> str | None:
        """Where the service is offered."""
        return self._service_endpoint

    def set_service_endpoint(self, service_endpoint: str) -> None:
        """Change where the service is offered.

        Args:
            service_endpoint: the URL; a metadata service's holds the DID, known only after the
                service is made.
        """
        self._service_endpoint = service_endpoint

    def values(self) -> dict[str, Any]:
        """Return a copy of the further keys."""
        return self._values.copy()

    @property
    def attributes(self) -> dict[str, Any]:
        """The service's description; changes to it change the service."""
        return self._attributes

    @property
    def main(self) -> dict[str, Any]:
        """The `main` section of the attributes; changes to it change the service.

        Raises:
            InvalidInput: there is no such section.
        """
        return as_dict(
            required(self._attributes, "main", f"attributes of the '{self._type}' service"),
            f"attributes.main of the '{self._type}' service",
        )

    def as_dictionary(self) -> dict[str, Any]:
        """Return the service as a dict of its own, in the order it was read in."""
        # A service that was read gives back what it had: absent stays absent, empty stays empty.
        read = self._read_keys
        known: dict[str, Any] = {self.SERVICE_TYPE: self._type}
        if self._attributes or self.SERVICE_ATTRIBUTES in read or not read:
            known[self.SERVICE_ATTRIBUTES] = self._attributes
        if self._service_endpoint or self.SERVICE_ENDPOINT in read:
            known[self.SERVICE_ENDPOINT] = self._service_endpoint
        if self.SERVICE_INDEX in read or (self._written_index is not None and not read):
            known[self.SERVICE_INDEX] = self._written_index
        known.update(self._values)
        result: dict[str, Any] = plain(in_order(known, read))
        return result

    @classmethod
    def from_json(cls, service_dict: dict[str, Any]) -> Self:
        """Make a service from its dict in a DDO.

        Args:
            service_dict: the dict; it is copied.

        Raises:
            InvalidInput: it is no dict, has no type that can be shown, or its attributes are no
                dict.
        """
        values = plain(as_dict(service_dict, "service"))
        service_type = required(values, cls.SERVICE_TYPE, "service")
        if not (isinstance(service_type, str) and 0 < len(service_type) <= _LONGEST_TYPE) or (
            not service_type.isprintable()  # messages list the types
        ):
            raise InvalidDocument(
                "'type' of a service must be text such as 'compute', "
                f"got {printable(service_type)}."
            )
        service = cls._from_parts(
            values.get(cls.SERVICE_ENDPOINT),
            service_type,
            as_dict(values.get(cls.SERVICE_ATTRIBUTES, {}), "attributes of a service"),
            {k: v for k, v in values.items() if k != cls.SERVICE_ATTRIBUTES},
            _read_index(values.get(cls.SERVICE_INDEX)),
        )
        service._read_keys = tuple(values)
        service._written_index = values.get(cls.SERVICE_INDEX)
        return service

    @classmethod
    def _from_parts(
        cls,
        endpoint: str | None,
        service_type: str,
        attributes: dict[str, Any],
        other_values: dict[str, Any],
        index: int | None,
    ) -> Self:
        return cls(endpoint, service_type, attributes, other_values, index)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(type={printable(self._type)}, index={self._index})"


def _read_index(index: Any) -> int | None:
    if index is None or (isinstance(index, int) and not isinstance(index, bool)):
        return index
    raise InvalidInput(f"'index' of a service must be an int, got {printable(index)}.")
