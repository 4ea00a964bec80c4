"""The format that describes an asset: every name, what it takes, and what it means.

The one source of the checks, of `asset.schema.json`, and of the site's tables.
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
    Field("checksum", kinds.LINE, "The image's digest (`sha256:…`). Ocean Nodes need it.", ""),
)

FILE = (
    Field("url", kinds.LINE, "The file's URL."),
    Field("path", kinds.LINE, "A local file. Embedded network only."),
    Field("content", kinds.CONTENT, "The content itself; needs `name`. Embedded network only."),
    Field("name", kinds.FILE_NAME, "The file name of `content`."),
    Field("content_type", kinds.LINE, "Its media type, if the name does not show it."),
)

COMPUTE = (
    Field(
        "trusted_algorithms",
        kinds.DIDS,
        "Algorithms that may run, in the version they have when added.",
        default=(),
    ),
    Field(
        "trusted_publishers",
        kinds.ADDRESSES,
        "If not empty, only algorithms by these publishers may run (Provider 0.4.13 or newer).",
        default=(),
    ),
    Field("allow_raw_algorithm", kinds.FLAG, "Whether unpublished code may run.", False),
    Field(
        "allow_all_published_algorithms",
        kinds.FLAG,
        "Whether every published algorithm may run.",
        False,
    ),
    Field("allow_network_access", kinds.FLAG, "Whether algorithms may use the network.", False),
    Field("max_run_time", kinds.RUN_TIME, "The longest run of a job.", DEFAULT_TIMEOUT_S),
    Field("cpu", kinds.CORES, "CPU cores offered to a job.", 1),
    Field("gpu", kinds.COUNT, "GPUs offered to a job.", 0),
    Field("memory", kinds.SIZE, "Memory offered to a job, such as `4gb`.", "1gb"),
    Field("disk", kinds.SIZE, "Disk space offered to a job.", "1gb"),
    Field(
        "containers",
        None,
        "Containers offered to algorithms.",
        default=(),
        fields=CONTAINER,
        each=True,
    ),
)

TOKEN = (
    Field("name", kinds.LINE, "Name of a new data token. Default: the asset's name.", ""),
    Field("symbol", kinds.LINE, "Its symbol. Default: its name.", ""),
    Field("cap", kinds.CAP, "The most tokens that can ever be minted.", DEFAULT_CAP),
    Field("address", kinds.ADDRESS, "Use this existing data token of the publisher.", ""),
    Field(
        "sold_for",
        kinds.ADDRESS,
        "Sell each data token for `price` of this token. Ocean Nodes only.",
        "",
    ),
)

_ABOUT = (
    Field(
        "type", None, "`dataset` or `algorithm`. Default: an algorithm if there is a `container`."
    ),
    Field("name", kinds.LINE, "The asset's name.", required=True),
    Field("author", kinds.LINE, "Who made it.", required=True),
    Field("license", kinds.LINE, "Its licence, such as `CC-BY-4.0`.", required=True),
    Field(
        "files",
        None,
        "The files: each a URL, a path, or a mapping.",
        required=True,
        fields=FILE,
        each=True,
    ),
    Field("description", kinds.TEXT, "A few sentences about it.", ""),
    Field("tags", kinds.TEXTS, "Words to find it by.", default=()),
    Field("categories", kinds.TEXTS, "Its categories.", default=()),
    Field("copyright_holder", kinds.TEXT, "The copyright holder.", ""),
    Field("work_example", kinds.TEXT, "An example of the data or of its use.", ""),
    Field("language_of_text", kinds.TEXT, "The language of its texts, such as `en`.", ""),
    Field("price", kinds.AMOUNT, "Price of an order, in data tokens.", 1),
    Field("timeout", kinds.SECONDS, "How long an order is meant to be valid.", DEFAULT_TIMEOUT_S),
    Field("disabled", kinds.FLAG, "Nobody can order or use it.", False),
    Field(
        "credentials",
        None,
        "Who may use it, by address.",
        fields=(
            Field(
                "allow",
                kinds.ADDRESSES,
                "If not empty, nobody else may use it.",
                default=(),
            ),
            Field(
                "deny",
                kinds.ADDRESSES,
                "Who may not use it. No effect if `allow` is not empty.",
                default=(),
            ),
        ),
    ),
    Field("token", None, "The data token. It cannot be changed later.", fields=TOKEN),
)

FORMAT: dict[str, tuple[Field, ...]] = {
    DATASET: (
        *_ABOUT,
        Field(
            "compute",
            None,
            "The compute service; `false`: none.",
            True,
            fields=COMPUTE,
            may_be_false=True,
        ),
        Field("access", kinds.FLAG, "Whether the files can be ordered for download.", False),
    ),
    ALGORITHM: (
        *_ABOUT,
        Field("container", None, "The container it runs in.", required=True, fields=CONTAINER),
        Field("language", kinds.TEXT, "Its programming language.", "python"),
        Field("format", kinds.TEXT, "Its packaging.", "docker-image"),
        Field("version", kinds.TEXT, "Its version, in quotes.", "0.1"),
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
