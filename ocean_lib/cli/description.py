"""The small file that describes an asset: read, checked, and turned into what is published."""

from __future__ import annotations

import json
import mimetypes
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.base.text_files import read_text, why_unreadable
from ocean_lib.checks import MAX_JSON_DEPTH, check_address, check_url, parse_json
from ocean_lib.cli.fields import Fields
from ocean_lib.exceptions import InvalidInput
from ocean_lib.models.algorithm_metadata import container_faults

if TYPE_CHECKING:
    from ocean_lib.ocean.ocean import Ocean

DEFAULT_TIMEOUT_S = 3600
DEFAULT_CAP = 1000  # as `OceanAssets.create` documents it
_MAX_BYTES = 1024**2
_ABOUT = {
    "description": "description",
    "copyright_holder": "copyrightHolder",
    "work_example": "workExample",
    "language_of_text": "inLanguage",
}


@dataclass(frozen=True)
class FileEntry:
    """One file: at a URL, or of this machine.

    Attributes:
        url: where it lies, '' for a local one.
        path: the local file, None for a URL.
        content_type: what it is.
    """

    url: str
    path: Path | None
    content_type: str


@dataclass(frozen=True)
class ComputeRules:
    """Which algorithms may run on a data set."""

    trusted: tuple[str, ...] = ()
    allow_raw: bool = False
    allow_all: bool = False
    allow_network: bool = False
    max_run_time_s: int = DEFAULT_TIMEOUT_S


@dataclass(frozen=True)
class Token:
    """The data token to make, or to use."""

    name: str = ""
    symbol: str = ""
    cap: str = ""
    address: str = ""


@dataclass(frozen=True)
class Description:
    """An asset before it is published.

    Attributes:
        kind: `dataset` or `algorithm`.
        main: the metadata's main part, without files and date.
        about: its additional information.
        files: where the content lies.
        rules: of the compute service; None: no such service.
        access: whether the files themselves can be ordered.
        price: of each service, in data tokens.
        timeout_s: how long an order is good for.
        token: the data token.
    """

    kind: str
    main: dict[str, Any]
    about: dict[str, Any]
    files: tuple[FileEntry, ...]
    rules: ComputeRules | None
    access: bool
    price: float = 1
    timeout_s: int = DEFAULT_TIMEOUT_S
    token: Token = field(default_factory=Token)

    def metadata(self, urls: list[str], created: str) -> dict[str, Any]:
        """Return the metadata as the metadata cache wants it.

        Args:
            urls: of the files, in their order.
            created: such as `2021-06-24T10:00:00Z`.
        """
        files = [
            {"index": index, "url": url, "contentType": file.content_type}
            for index, (file, url) in enumerate(zip(self.files, urls, strict=True))
        ]
        metadata: dict[str, Any] = {
            "main": {"type": self.kind, "dateCreated": created, "files": files, **self.main}
        }
        if self.about:
            metadata["additionalInformation"] = self.about
        return metadata

    def services(self, ocean: Ocean, creator: str, created: str) -> list[tuple[str, Any]]:
        """Return the services as `OceanAssets.create` takes them.

        Args:
            ocean: looks trusted algorithms up.
            creator: the publisher's address.
            created: the date.
        """
        found = []
        if self.access:
            found.append(self._access(ocean, creator, created))
        if self.rules is not None:
            found.append(self._compute(self.rules, ocean, creator, created))
        return found

    def _access(self, ocean: Ocean, creator: str, created: str) -> tuple[str, Any]:
        from ocean_lib.common.agreements.service_factory import ServiceDescriptor

        attributes = ocean.assets.build_access_service(created, self.price, creator, self.timeout_s)
        provider = ocean.data_provider
        _, endpoint = provider.build_download_endpoint(provider.get_url(ocean.config))
        return ServiceDescriptor.access_service_descriptor(attributes, endpoint)

    def _compute(
        self, rules: ComputeRules, ocean: Ocean, creator: str, created: str
    ) -> tuple[str, Any]:
        compute = ocean.compute
        privacy = compute.build_service_privacy_attributes(
            list(rules.trusted),
            ocean.config.metadata_cache_uri,
            rules.allow_raw,
            rules.allow_all,
            rules.allow_network,
        )
        server = compute.build_server_attributes(
            "1", "default", 1, 0, "1gb", "1gb", rules.max_run_time_s
        )
        resources = compute.build_service_provider_attributes(
            "default", "", compute.build_cluster_attributes("Kubernetes", ""), [], [server]
        )
        attributes = compute.create_compute_service_attributes(
            self.timeout_s, creator, created, resources, privacy
        )
        attributes["main"]["cost"] = self.price
        return compute.create_compute_service_descriptor(attributes)


def read_description(kind: str, path: Path) -> Description:
    """Read a description from a YAML or JSON file.

    Args:
        kind: `dataset` or `algorithm`.
        path: the file; local files in it are looked for beside it.

    Raises:
        InvalidInput: it cannot be read, or something in it cannot be used.
    """
    text = _text(path)
    content = _json(text, path) if path.suffix.lower() == ".json" else _yaml(text, path)
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} must hold names and values, such as `name: My data`.")
    return describe(kind, content, path.parent, where=path.name)


def describe(
    kind: str, content: dict[str, Any], folder: Path, *, where: str = "description"
) -> Description:
    """Check what a description says.

    Args:
        kind: `dataset` or `algorithm`.
        content: names and values, see docs/cli.md.
        folder: where local files are looked for.
        where: what to call it in messages.

    Raises:
        InvalidInput: something cannot be used; the message names it.
    """
    fields = Fields(content, where)
    main: dict[str, Any] = {name: fields.text(name) for name in ("name", "author", "license")}
    about: dict[str, Any] = {
        wire: value for name, wire in _ABOUT.items() if (value := fields.text(name, ""))
    }
    about |= {name: values for name in ("tags", "categories") if (values := fields.texts(name))}
    files = tuple(_file(entry, folder, where) for entry in fields.entries("files"))
    price, timeout_s = fields.amount("price", 1), fields.seconds("timeout", DEFAULT_TIMEOUT_S)
    token = _token(fields, price, where)
    rules, access = None, True
    if kind == "algorithm":
        if len(files) > 1:
            raise InvalidInput(f"{where}: an algorithm is one file: a job gets the first one only.")
        main["algorithm"] = _algorithm(fields, where)
    else:
        access = fields.flag("access", default=False)
        rules = _rules(fields)
    fields.check_all_known()
    if rules is None and not access:
        raise InvalidInput(f"{where} offers nothing: with compute: false it needs access: true.")
    return Description(kind, main, about, files, rules, access, price, timeout_s, token)


def _algorithm(fields: Fields, where: str) -> dict[str, Any]:
    container = fields.part("container", required=True)
    described: dict[str, Any] = {
        "language": fields.text("language", "python"),
        "format": fields.text("format", "docker-image"),
        "version": fields.text("version", "0.1"),
        "container": {name: container.text(name) for name in ("entrypoint", "image", "tag")},
    }
    container.check_all_known()
    for fault in container_faults(described["container"]).values():
        raise InvalidInput(f"{where}: container: {fault}")
    return described


def _rules(fields: Fields) -> ComputeRules | None:
    if fields.is_false("compute"):
        return None
    compute = fields.part("compute")
    rules = ComputeRules(
        tuple(compute.dids("trusted_algorithms")),
        compute.flag("allow_raw_algorithm", default=False),
        compute.flag("allow_all_published_algorithms", default=False),
        compute.flag("allow_network_access", default=False),
        compute.seconds("max_run_time", DEFAULT_TIMEOUT_S, least=1),
    )
    compute.check_all_known()
    return rules


def _token(fields: Fields, price: float, where: str) -> Token:
    token = fields.part("token")
    cap = token.amount("cap", DEFAULT_CAP)
    if not cap:
        raise InvalidInput(f"{where}: token: cap must be more than 0, or nobody could order.")
    found = Token(
        token.text("name", ""),
        token.text("symbol", ""),
        f"{_exactly(cap):f}" if cap != DEFAULT_CAP else "",
        token.text("address", ""),
    )
    token.check_all_known()
    if found.address:
        check_address(found.address, name=f"{where}: token: address")
    if not found.address and price > cap:
        raise InvalidInput(
            f"{where}: nobody could ever pay a price of {price}, as there will be {cap} tokens at "
            "most. Lower it, or raise token: cap."
        )
    return found


def _exactly(amount: float) -> Decimal:
    """Return an amount as it goes to the chain."""
    from ocean_lib.ocean.util import from_base_18, to_base_18

    return from_base_18(to_base_18(amount))


def _file(entry: Any, folder: Path, where: str) -> FileEntry:
    content_type = ""
    if isinstance(entry, dict):
        fields = Fields(entry, f"{where}: files")
        content_type = fields.text("content_type", "")
        given = [place for place in (fields.text("url", ""), fields.text("path", "")) if place]
        fields.check_all_known()
        if len(given) != 1:
            raise InvalidInput(f"{where}: a file needs `url:` or `path:`, one of them.")
        place = given[0]
    elif isinstance(entry, str) and entry:
        place = entry
    else:
        raise InvalidInput(f"{where}: a file is a URL, a path, or `url:` with `content_type:`.")
    guessed = content_type or mimetypes.guess_type(place.partition("?")[0])[0]
    kind = guessed or "application/octet-stream"
    if "://" in place:
        check_url(place, name=f"{where}: a file's URL")
        return FileEntry(place, None, kind)
    path = (folder / place).absolute()
    if not path.is_file():
        raise InvalidInput(f"{where}: there is no file {path}.")
    return FileEntry("", path, kind)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size <= _MAX_BYTES:
            return read_text(path)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {why_unreadable(error)}.") from None
    raise InvalidInput(f"{path} is larger than {_MAX_BYTES} bytes: this is not a description.")


def _json(text: str, path: Path) -> Any:
    try:
        parse_json(text)  # which bounds how deep it nests
        return json.loads(text, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is not JSON: {error}") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands there twice")
    return dict(pairs)


def _yaml(text: str, path: Path) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise InvalidInput(
            f"Reading {path} needs PyYAML: pip install PyYAML. Or write it as a .json file."
        ) from None

    class Loader(yaml.SafeLoader):
        """Refuses what would say one thing and mean another, or fill the memory.

        A name that stands there twice, where YAML would keep the last; and aliases: a few lines of
        them stand for a document of any size. Nesting is bounded as in JSON, and for its reason.
        """

        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise ValueError("aliases (*name) are not supported, write the value out")
            self.depth += 1
            if self.depth > MAX_JSON_DEPTH:
                raise ValueError(f"it nests deeper than {MAX_JSON_DEPTH} levels")
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    def mapping(loader: Any, node: Any) -> dict[str, Any]:
        return _no_twins(loader.construct_pairs(node, deep=True))

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    try:
        return yaml.load(text, Loader)  # noqa: S506  (a SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        raise InvalidInput(f"{path} is not YAML: {error}") from None
