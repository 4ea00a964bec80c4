"""The format that describes an asset: every name, what it takes, and what it means.

The one source of the checks, of `asset.schema.json`, and of the tables in docs/publishing.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ocean_lib.documents import kinds
from ocean_lib.documents.kinds import Kind

DATASET, ALGORITHM = "dataset", "algorithm"
DEFAULT_TIMEOUT_S = 3600
DEFAULT_CAP = 1000  # as `OceanAssets.create` documents it


@dataclass(frozen=True)
class Field:
    """One name of the format.

    Attributes:
        name: as it is written.
        kind: of its value; None: names and values of its own.
        about: what it means.
        default: what it is if it is left out; None: nothing.
        required: whether it must be there.
        fields: the names below it.
        each: whether it is a list, of `kind` or of entries with `fields`.
        may_be_false: whether `false` is taken for all of it.
    """

    name: str
    kind: Kind | None
    about: str
    default: Any = None
    required: bool = False
    fields: tuple[Field, ...] = ()
    each: bool = False
    may_be_false: bool = False


CONTAINER = (
    Field("image", kinds.LINE, "Name of the image, such as `python`.", required=True),
    Field("tag", kinds.LINE, "Its tag, in quotes: YAML reads 3.10 as 3.1.", required=True),
    Field(
        "entrypoint",
        kinds.LINE,
        "The command; `$ALGO` stands for the code's path.",
        required=True,
    ),
)

FILE = (
    Field("url", kinds.LINE, "Where the file lies."),
    Field("path", kinds.LINE, "A file of this machine, for the embedded network."),
    Field("content", kinds.CONTENT, "The content itself, for the embedded network; needs `name`."),
    Field("name", kinds.FILE_NAME, "What a file given by its `content` is called."),
    Field("content_type", kinds.LINE, "Its type, if the name does not show it."),
)

COMPUTE = (
    Field(
        "trusted_algorithms",
        kinds.DIDS,
        "The algorithms that may run, as they are when they are added here.",
        default=(),
    ),
    Field(
        "trusted_publishers",
        kinds.ADDRESSES,
        "Only algorithms of these publishers may run (Providers from 0.4.13 on read it).",
        default=(),
    ),
    Field("allow_raw_algorithm", kinds.FLAG, "Whether code that is not published may run.", False),
    Field(
        "allow_all_published_algorithms",
        kinds.FLAG,
        "Whether every published algorithm may run.",
        False,
    ),
    Field("allow_network_access", kinds.FLAG, "Whether algorithms may use the network.", False),
    Field("max_run_time", kinds.RUN_TIME, "The longest that one job may take.", DEFAULT_TIMEOUT_S),
    Field("cpu", kinds.CORES, "CPU cores that a job is offered.", 1),
    Field("gpu", kinds.COUNT, "GPUs that a job is offered.", 0),
    Field("memory", kinds.SIZE, "Memory that a job is offered, such as `4gb`.", "1gb"),
    Field("disk", kinds.SIZE, "Disk space that a job is offered.", "1gb"),
    Field(
        "containers",
        None,
        "The containers that are offered.",
        default=(),
        fields=CONTAINER,
        each=True,
    ),
)

TOKEN = (
    Field("name", kinds.LINE, "Of a new data token; the asset's name if it is left out.", ""),
    Field("symbol", kinds.LINE, "Its symbol; its name if it is left out.", ""),
    Field("cap", kinds.CAP, "The most tokens that there will ever be.", DEFAULT_CAP),
    Field("address", kinds.ADDRESS, "An existing data token of the publisher, to use it.", ""),
)

_ABOUT = (
    Field("type", None, "`dataset` or `algorithm`; without it, what has a `container` is one."),
    Field("name", kinds.LINE, "The asset's name.", required=True),
    Field("author", kinds.LINE, "Who made it.", required=True),
    Field("license", kinds.LINE, "What may be done with it.", required=True),
    Field(
        "files",
        None,
        "The content: each a URL, a path, or names and values.",
        required=True,
        fields=FILE,
        each=True,
    ),
    Field("description", kinds.TEXT, "What it is, in some sentences.", ""),
    Field("tags", kinds.TEXTS, "Words to find it by.", default=()),
    Field("categories", kinds.TEXTS, "What it belongs to.", default=()),
    Field("copyright_holder", kinds.TEXT, "Who has the copyright.", ""),
    Field("work_example", kinds.TEXT, "An example of the content.", ""),
    Field("language_of_text", kinds.TEXT, "The language of texts in it, such as `en`.", ""),
    Field("price", kinds.AMOUNT, "Data tokens for one order.", 1),
    Field(
        "timeout", kinds.SECONDS, "How long an order is meant to be good for.", DEFAULT_TIMEOUT_S
    ),
    Field("disabled", kinds.FLAG, "Whether it cannot be ordered or used for now.", False),
    Field(
        "credentials",
        None,
        "Who may use it.",
        fields=(
            Field(
                "allow",
                kinds.ADDRESSES,
                "If there are any here, nobody else may use it.",
                default=(),
            ),
            Field(
                "deny",
                kinds.ADDRESSES,
                "Who may not use it; has no effect beside `allow`.",
                default=(),
            ),
        ),
    ),
    Field("token", None, "The data token, which is never changed.", fields=TOKEN),
)

FORMAT: dict[str, tuple[Field, ...]] = {
    DATASET: (
        *_ABOUT,
        Field(
            "compute",
            None,
            "What may be computed on it; `false`: nothing.",
            True,
            fields=COMPUTE,
            may_be_false=True,
        ),
        Field("access", kinds.FLAG, "Whether the files themselves can be ordered.", False),
    ),
    ALGORITHM: (
        *_ABOUT,
        Field("container", None, "What the algorithm runs in.", required=True, fields=CONTAINER),
        Field("language", kinds.TEXT, "Of the code.", "python"),
        Field("format", kinds.TEXT, "How it is packed.", "docker-image"),
        Field("version", kinds.TEXT, "The algorithm's version, in quotes.", "0.1"),
    ),
}
"""The names of each type of asset, in the order in which they are documented."""


def default_of(field: Field) -> Any:
    """Return what a name is if it is left out; a list is a new one."""
    return list(field.default) if isinstance(field.default, tuple) else field.default


def defaults(asset_type: str) -> dict[str, Any]:
    """Return what every name of an asset's description is if it is left out, by its path."""
    found: dict[str, Any] = {}
    for field in FORMAT[asset_type]:
        if field.default is not None:
            found[field.name] = default_of(field)
        for inner in () if field.each else field.fields:
            if inner.default is not None:
                found[f"{field.name}.{inner.name}"] = default_of(inner)
    return found
