"""A description of an asset, checked: its type, its values by path, and its files."""

from __future__ import annotations

import difflib
import mimetypes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocean_lib.base.mistake import Mistake
from ocean_lib.checks import check_url
from ocean_lib.documents.format import (
    ALGORITHM,
    DATASET,
    FILE,
    FORMAT,
    Field,
    default_of,
    defaults,
)
from ocean_lib.documents.kinds import Unfit, shown
from ocean_lib.documents.source import Place, Source, open_source, path_of
from ocean_lib.exceptions import InvalidDescription, InvalidInput
from ocean_lib.models.algorithm_metadata import container_faults

_UNIQUE = ("trusted_algorithms", "trusted_publishers", "allow", "deny")


@dataclass(frozen=True)
class FileEntry:
    """One file of an asset: at a URL, of this machine, or by its content.

    Attributes:
        url: where it lies, '' for another one.
        path: the local file, None for another one.
        content: the bytes, None for another one.
        name: what it is called.
        content_type: what it is.
    """

    url: str
    path: Path | None
    content: bytes | None
    name: str
    content_type: str


@dataclass(frozen=True)
class Description:
    """An asset as it is to be.

    Attributes:
        asset_type: `dataset` or `algorithm`.
        values: every value by its path, such as `compute.max_run_time`; of changes, those that
            were given.
        files: the content; () if changes leave it.
    """

    asset_type: str
    values: Mapping[str, Any]
    files: tuple[FileEntry, ...]


Faults = Callable[
    [str, Mapping[str, Any], Mapping[str, Any] | None], Iterable[tuple[str, str, str]]
]
"""Says what a generation of documents does not have: path, what is wrong, what to do.

It is told the asset's type, all values, and those that change (None: all are new).
"""


def read_description(
    given: object, asset_type: str | None = None, faults: Faults | None = None
) -> Description:
    """Read and check the description of a new asset.

    Args:
        given: see `open_source`.
        asset_type: `dataset` or `algorithm`; None: as the description says.
        faults: says what cannot be published where it goes.

    Raises:
        InvalidDescription: with every mistake in it.
        InvalidInput: it cannot be read.
    """
    source = open_source(given)
    reader = _Reader(source)
    kind = reader.type_of(asset_type)
    written, files = reader.read(kind, is_whole=True)
    values = {**defaults(kind), **written}
    reader.check_together(kind, values, files)
    reader.check_offered(faults(kind, values, None) if faults else ())
    reader.end()
    return Description(kind, values, files)


def read_changes(
    given: object, asset_type: str, now: Mapping[str, Any], faults: Faults | None = None
) -> Description:
    """Read and check the changes to an asset.

    Args:
        given: see `open_source`; names that are left out do not change.
        asset_type: of the asset.
        now: its values.
        faults: says what cannot be changed where it is.

    Returns:
        What was given; a name without a value has its default.

    Raises:
        InvalidDescription: with every mistake in it.
        InvalidInput: it cannot be read.
    """
    source = open_source(given)
    reader = _Reader(source)
    reader.type_of(asset_type)
    values, files = reader.read(asset_type, is_whole=False)
    reader.check_together(asset_type, {**now, **values}, files, values)
    differing = {path: value for path, value in values.items() if value != now.get(path)}
    reader.check_offered(faults(asset_type, {**now, **values}, differing) if faults else ())
    reader.end()
    return Description(asset_type, values, files)


class _Reader:
    """Walks through a description and keeps every mistake."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._mistakes = list(source.twins)

    def type_of(self, wanted: str | None) -> str:
        """Return the asset's type."""
        content = self._source.content
        said = content.get("type")
        guessed = ALGORITHM if "container" in content else DATASET
        is_known = isinstance(said, str) and said in FORMAT
        if said is not None and not (is_known and said == (wanted or said)):
            expected = wanted or " or ".join(FORMAT)
            self._add(("type",), f"must be {expected}, got {shown(said)}")
            said = None
        return wanted or said or guessed

    def read(self, asset_type: str, *, is_whole: bool) -> tuple[dict[str, Any], Any]:
        """Return the values that are there by their paths, and the files."""
        content = self._source.content
        fields = FORMAT[asset_type]
        values = self._part(content, fields, (), is_whole=is_whole)
        files = tuple(values.pop("files", ()))
        values.pop("type", None)
        return values, files

    def check_together(
        self,
        asset_type: str,
        values: Mapping[str, Any],
        files: Sequence[FileEntry],
        given: Mapping[str, Any] | None = None,
    ) -> None:
        """Check what depends on more than one value, where `given` (None: all) has one of them."""

        def concerns(*paths: str) -> bool:
            return given is None or any(path in given for path in paths)

        if asset_type == ALGORITHM:
            if len(files) > 1:
                self._add(("files",), "must be one file: a job gets the first one only")
            container = {key: values.get(f"container.{key}") for key in ("image", "tag")}
            container["entrypoint"] = values.get("container.entrypoint")
            if concerns(*(f"container.{key}" for key in container)) and all(container.values()):
                for fault in container_faults(container).values():
                    self._add(("container",), f"cannot be used: {fault.removesuffix('.')}")
        elif concerns("compute", "access") and not (values["compute"] or values["access"]):
            self._add(("access",), "must be true where compute is false, or nothing is offered")
        price, cap = values.get("price"), values.get("token.cap")
        if concerns("price", "token.cap") and not values.get("token.address"):
            self._check_price(price, cap)

    def check_offered(self, faults: Iterable[tuple[str, str, str]]) -> None:
        """Keep what a generation does not have."""
        for path, what, suggestion in faults:
            self._add(tuple(path.split(".")), what, suggestion)

    def end(self) -> None:
        """Raise InvalidDescription if there was a mistake."""
        if self._mistakes:
            ordered = sorted(self._mistakes, key=lambda mistake: mistake.line or 0)
            raise InvalidDescription(self._source.name, ordered)

    def _check_price(self, price: Any, cap: Any) -> None:
        if isinstance(price, (int, float)) and isinstance(cap, (int, float)) and price > cap:
            self._add(
                ("price",),
                f"of {price} could never be paid, as there will be {cap} tokens at most",
                "lower it, or raise token.cap",
            )

    def _part(
        self, content: Mapping[Any, Any], fields: Sequence[Field], place: Place, *, is_whole: bool
    ) -> dict[str, Any]:
        """Return the values below a place, by their paths from there."""
        self._check_known(content, fields, place)
        found: dict[str, Any] = {}
        for field in fields:
            value = content.get(field.name)
            here = (*place, field.name)
            if value is None:
                is_null = field.name in content
                if field.required and (is_whole or is_null):
                    self._missing(field, here)
                elif is_null and field.default is not None and not (field.fields or is_whole):
                    found |= {field.name: default_of(field)}
            elif field.each and field.fields:
                found |= self._entries(value, field, here)
            elif field.fields:
                found |= self._inner(value, field, here, is_whole=is_whole)
            elif field.kind is not None:
                found |= self._value(value, field, here)
        return found

    def _missing(self, field: Field, place: Place) -> None:
        several = "a list with at least one entry" if field.each else "names and values"
        wanted = field.kind.name if field.kind else several
        self._add(place, f"must be {wanted}, got nothing")

    def _inner(self, value: Any, field: Field, place: Place, *, is_whole: bool) -> dict[str, Any]:
        if field.may_be_false and isinstance(value, bool):
            return {field.name: value}
        if not isinstance(value, Mapping):
            self._add(place, "must be a mapping (indented `name: value` lines)")
            return {}
        inner = self._part(value, field.fields, place, is_whole=is_whole)
        found = {f"{field.name}.{name}": item for name, item in inner.items()}
        return {field.name: True, **found} if field.may_be_false else found

    def _entries(self, value: Any, field: Field, place: Place) -> dict[str, Any]:
        is_file = field.fields is FILE
        if not isinstance(value, (list, tuple)) or (is_file and not value):
            self._add(place, "must be a list with at least one entry")
            return {}
        read: Callable[[Any, Place], Any] = self._file if is_file else self._entry(field)
        entries = [read(entry, (*place, number)) for number, entry in enumerate(value)]
        return {field.name: [entry for entry in entries if entry is not None]}

    def _entry(self, field: Field) -> Callable[[Any, Place], Any]:
        def read(entry: Any, place: Place) -> Any:
            if isinstance(entry, Mapping):
                return self._part(entry, field.fields, place, is_whole=True)
            self._add(place, "must be a mapping (indented `name: value` lines)")
            return None

        return read

    def _value(self, value: Any, field: Field, place: Place) -> dict[str, Any]:
        kind = field.kind
        checked = None if kind is None else self._checked(kind.check, value, place)
        if kind is None or checked is None:
            return {}
        if kind.item is not None:
            items = [
                self._checked(kind.item.check, item, (*place, number))
                for number, item in enumerate(checked)
            ]
            checked = [item for item in items if item is not None]
            if field.name in _UNIQUE:
                checked = list({item.lower(): item for item in reversed(checked)}.values())[::-1]
        return {field.name: checked}

    def _checked(self, check: Callable[[Any], Any], value: Any, place: Place) -> Any:
        try:
            return check(value)
        except Unfit as unfit:
            self._add(place, str(unfit), unfit.suggestion)
            return None

    def _file(self, entry: Any, place: Place) -> FileEntry | None:
        if isinstance(entry, Path):
            entry = {"path": str(entry)}
        elif isinstance(entry, str) and entry:
            entry = {"url" if "://" in entry else "path": entry}
        if not isinstance(entry, Mapping):
            self._add(place, "must be a URL, a path, or names and values such as `url:`")
            return None
        content = entry.get("content")
        as_text = {**entry, "content": "-"} if isinstance(content, bytes) else entry
        as_text = {k: str(v) if isinstance(v, Path) else v for k, v in as_text.items()}
        said = self._part(as_text, FILE, place, is_whole=True)
        if sum(entry.get(name) is not None for name in ("url", "path", "content")) != 1:
            self._add(place, "needs one of `url:`, `path:` and `content:`")
        elif "content" in said and "name" not in said:
            self._add(place, "needs a `name:` for its `content:`")
        elif {"url", "path", "content"} & set(said):
            raw = content if isinstance(content, bytes) else said.get("content", "").encode()
            return self._placed(said, raw, place)
        return None

    def _placed(self, said: Mapping[str, Any], raw: bytes, place: Place) -> FileEntry | None:
        where = str(said.get("url") or said.get("path") or said["name"])
        guessed = mimetypes.guess_type(where.partition("?")[0])[0]
        content_type = said.get("content_type") or guessed or "application/octet-stream"
        if "url" in said:
            try:
                check_url(where, name="it")
            except InvalidInput as error:
                self._add(place, str(error).removeprefix("it ").removesuffix("."))
                return None
            return FileEntry(where, None, None, "", content_type)
        if "content" in said:
            return FileEntry("", None, raw, Path(where).name, content_type)
        path = (self._source.folder / Path(where).expanduser()).absolute()
        if not path.is_file():
            self._add(place, f"cannot be read: there is no file {path}")
            return None
        return FileEntry("", path, None, path.name, content_type)

    def _check_known(
        self, content: Mapping[Any, Any], fields: Sequence[Field], place: Place
    ) -> None:
        names = [field.name for field in fields]
        for name in content:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
                self._add((*place, str(name)), "is not known", hint)

    def _add(self, place: Place, what: str, suggestion: str = "") -> None:
        lines, known = self._source.lines, place
        while known and known not in lines:
            known = known[:-1]
        self._mistakes.append(Mistake(path_of(place), what, lines.get(known), suggestion))
