"""May this compute job start? The checks of a start request, in the real Provider's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.dialects.v3.assets import Consumable, ProviderAsset, ProviderService
from ocean_lib.localnet.dialects.v3.encryption import (
    ForeignDocument,
    MisplacedDocument,
    ProviderKey,
)
from ocean_lib.localnet.dialects.v3.rules import (
    BadOrder,
    check_order,
    order_service_index,
    why_not_trusted,
)
from ocean_lib.localnet.dialects.v3.wire import HtmlError
from ocean_lib.localnet.files.access import FileAccess
from ocean_lib.localnet.jobs.records import AlgorithmSource, InputFiles, JobRequest


class RefusedStart(Exception):
    """A workflow that the Provider refuses; the text is the answer's error."""


class UnknownAsset(Exception):
    """A DID that the metadata cache does not know."""


@dataclass(frozen=True)
class ProviderWorld:
    """What the Provider's checks look at.

    Attributes:
        chain: Where the orders are.
        key: Opens the file lists.
        files: Reads the files.
        find_ddo: Returns the DDO of a DID, or None.
    """

    chain: ChainClient
    key: ProviderKey
    files: FileAccess
    find_ddo: Callable[[str], dict[str, Any] | None]

    def asset(self, did: object) -> ProviderAsset:
        """Return a published asset.

        Raises:
            UnknownAsset: If the metadata cache does not know it.
        """
        ddo = self.find_ddo(did) if isinstance(did, str) else None
        if ddo is None:
            raise UnknownAsset(f"{did} asset DID is not in OceanDB")
        return ProviderAsset(ddo)

    def urls(self, asset: ProviderAsset) -> tuple[str, ...]:
        """Return the URLs of an asset's files.

        Raises:
            ForeignDocument: If another Provider encrypted them, or this one for another asset.
        """
        files = self.key.decrypt_files(asset.encrypted_files, asset.did)
        return tuple(str(file.get("url", "")) for file in files)

    @staticmethod
    def why_no_access(asset: ProviderAsset, consumer: str) -> str:
        """Say why a consumer may not use an asset, or '' if nothing is against it."""
        code = asset.access_for(consumer)
        if code == Consumable.OK:
            return ""
        return f"Error: Access to asset {asset.did} was denied with code: {int(code)}."


def decode(value: Any) -> Any:
    """Return a value that may have come as JSON text.

    Raises:
        ValueError: If it is a text that is not JSON.
    """
    return safe_json.loads(value) if isinstance(value, str) else value


class Workflow:
    """One start request.

    Args:
        world: What the checks look at.
        data: The request's parameters, already validated for their presence.
        max_wall_s: The longest that a job may run.
    """

    def __init__(self, world: ProviderWorld, data: dict[str, Any], max_wall_s: float) -> None:
        self._world = world
        self._data = data
        self._max_wall_s = max_wall_s
        self._consumer = str(data["consumerAddress"])
        self._algorithm_did = data.get("algorithmDid")

    def check(self) -> JobRequest:
        """Check inputs, algorithm and output.

        Returns:
            What the job needs to run.

        Raises:
            RefusedStart: If the real Provider answers 400 with an error text.
            HtmlError: If the real Provider fails with 500.
        """
        main = {name: self._data.get(name) for name in ("documentId", "transferTxId", "serviceId")}
        checked = []
        for index, item in enumerate([main, *self._additional_inputs()]):
            try:
                checked.append(self._check_input(item, index))
            except RefusedStart as error:
                prefix = f"Error in input at index {index}: " if index else ""
                raise RefusedStart(f"{prefix}{error}") from error
        algorithm = self._check_algorithm()
        self._check_output()
        services = [service for _, service in checked]
        return JobRequest(
            owner=self._consumer,
            agreement_id=str(self._data["transferTxId"]),
            inputs=tuple(files for files, _ in checked),
            algorithm=algorithm,
            wall_s=self._wall_s(services[0]),
            allow_network=all(
                service.main.get("privacy", {}).get("allowNetworkAccess", False) is True
                for service in services
                if service.type == "compute"
            ),
        )

    def _additional_inputs(self) -> list[Any]:
        given = self._data.get("additionalInputs", "")
        try:
            items = [] if given == "" else decode(given)
        except ValueError as error:
            raise RefusedStart("Additional input is invalid or can not be decoded.") from error
        if not isinstance(items, list):
            raise HtmlError(500, "additionalInputs is not a list.")
        return items

    def _check_output(self) -> None:
        try:
            output = decode(self._data.get("output"))
        except ValueError as error:
            raise RefusedStart("Output is invalid or can not be decoded.") from error
        if not isinstance(output, dict):
            raise HtmlError(500, "output is not a JSON object.")

    def _check_input(self, item: Any, index: int) -> tuple[InputFiles, ProviderService]:
        if not isinstance(item, dict):
            raise HtmlError(500, f"Input {index} is not an object.")
        for name in ("documentId", "transferTxId"):
            if not item.get(name):
                raise RefusedStart(f"No {name} in input item.")
        if not item.get("serviceId") and item.get("serviceId") != 0:
            raise RefusedStart("No serviceId in input item.")
        did = item["documentId"]
        try:
            asset = self._world.asset(did)
        except UnknownAsset as error:
            raise RefusedStart(f"Asset for did {did} not found.") from error
        service = _service(asset, item["serviceId"])
        denied = self._world.why_no_access(asset, self._consumer)
        if denied:
            raise RefusedStart(denied)
        if service.type not in ("access", "compute"):
            raise RefusedStart("Services in input can only be access or compute.")
        if service.type != "compute" and index == 0:
            raise RefusedStart("Service for main asset must be compute.")
        urls = self._own_urls(asset, "input")
        if service.type == "compute":
            self._check_trust(asset, service)
        try:
            check_order(self._world.chain, item["transferTxId"], asset, service, self._consumer)
        except (BadOrder, KeyError, ArithmeticError) as error:
            raise RefusedStart(f"Order for serviceId {service.index} is not valid.") from error
        return InputFiles(asset.did, urls, asset.ddo), service

    def _own_urls(self, asset: ProviderAsset, where: str) -> tuple[str, ...]:
        try:
            urls = self._world.urls(asset)
        except MisplacedDocument as error:
            raise RefusedStart(f"{error}.") from error
        except ForeignDocument as error:
            raise RefusedStart(_foreign(where)) from error
        if not urls:
            raise RefusedStart(_foreign(where))
        return urls

    def _check_trust(self, asset: ProviderAsset, service: ProviderService) -> None:
        try:
            text = why_not_trusted(
                asset.did,
                service.main.get("privacy") or {},
                self._algorithm_did,
                self._data.get("algorithmMeta") is not None,
                self._world.asset,
            )
        except UnknownAsset as error:
            raise HtmlError(500, str(error)) from error
        if text:
            raise RefusedStart(text)

    def _check_algorithm(self) -> AlgorithmSource:
        if self._algorithm_did:
            return self._published_algorithm(self._algorithm_did)
        if self._algorithm_did is not None:
            raise HtmlError(500, "algorithmDid is empty: with algorithmMeta, leave it out.")
        try:
            meta = decode(self._data.get("algorithmMeta"))
        except ValueError as error:
            raise HtmlError(500, f"algorithmMeta is not JSON: {error}.") from error
        if not isinstance(meta, dict):
            raise HtmlError(500, "algorithmMeta is not a JSON object.")
        return _raw_algorithm(meta)

    def _published_algorithm(self, did: str) -> AlgorithmSource:
        try:
            asset = self._world.asset(did)
        except UnknownAsset as error:
            raise HtmlError(500, str(error)) from error
        if asset.metadata.get("main", {}).get("type") != "algorithm":
            raise RefusedStart(f"DID {did} is not a valid algorithm")
        transaction = self._data.get("algorithmTransferTxId")
        try:
            if self._data.get("algorithmDataToken") != asset.datatoken:
                raise BadOrder("algorithmDataToken is not the algorithm's datatoken")
            index = order_service_index(self._world.chain, str(transaction), asset)
            service = _service(asset, index)
            check_order(self._world.chain, transaction, asset, service, self._consumer)
        except (BadOrder, HtmlError, KeyError, ArithmeticError) as error:
            raise RefusedStart(
                "Algorithm is already in use or can not be found on chain."
            ) from error
        denied = self._world.why_no_access(asset, self._consumer)
        if denied:
            raise RefusedStart(denied)
        urls = self._own_urls(asset, "algorithm")
        container = asset.metadata["main"].get("algorithm", {}).get("container")
        return _with_container(did, urls[0], "", container)

    def _wall_s(self, service: ProviderService) -> float:
        limits = [self._max_wall_s, _number(service.main.get("timeout"))]
        provider = service.main.get("provider") or {}
        for server in (provider.get("environment") or {}).get("supportedServers") or []:
            limits.append(_number(server.get("maxExecutionTime")))
        return float(min(limit for limit in limits if limit > 0))


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else 0.0


def _foreign(where: str) -> str:
    return f"Services in {where} with compute type must be in the same provider you are calling."


def _service(asset: ProviderAsset, index: Any) -> ProviderService:
    try:
        service = asset.service(int(index))
    except (TypeError, ValueError) as error:
        raise HtmlError(500, f"{index!r} is not a service index.") from error
    if service is None:
        raise HtmlError(500, f"{asset.did} has no service with index {index}.")
    return service


def _raw_algorithm(meta: dict[str, Any]) -> AlgorithmSource:
    url, code = meta.get("url") or "", meta.get("rawcode") or ""
    if not url and not code:
        raise RefusedStart(
            "algorithmMeta must define one of `url` or `rawcode` or `remote`, but all seem missing."
        )
    return _with_container("", url, code, meta.get("container"))


def _with_container(did: str, url: str, code: str, container: Any) -> AlgorithmSource:
    if not isinstance(container, dict):
        raise HtmlError(500, "The algorithm has no container section.")
    if not all(container.get(name) for name in ("entrypoint", "image", "tag")):
        raise RefusedStart(
            "algorithm `container` must specify values for all of entrypoint, image and tag."
        )
    return AlgorithmSource(
        did=did,
        url=str(url),
        raw_code=str(code),
        entrypoint=str(container["entrypoint"]),
        image=f"{container['image']}:{container['tag']}",
    )
