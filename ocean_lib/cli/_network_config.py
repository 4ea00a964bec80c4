"""The config.ini that `localnet` keeps for the other commands; one that was changed is kept."""

from __future__ import annotations

import configparser
import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ocean_lib.base.text_files import read_text

Options = Mapping[str, Mapping[str, Any]]

_HEAD = "# `ocean-compute localnet` renews this file at each start, until somebody changes it.\n"
_MARK = "# As written: "


def keep_config(folder: Path, options: Options, say: Callable[[str], None]) -> Path:
    """Keep a config in a network's folder, and return the file that leads to the network.

    Args:
        folder: the network's.
        options: the config's sections, and their options.
        say: is told when a changed file does not lead to this network, and another one does.

    Returns:
        `config.ini`; or `config.ini.new` beside it, where that was changed and leads elsewhere.
    """
    path = folder / "config.ini"
    wanted = _parser(options)
    if path.is_symlink() or path.exists():
        text = _text_of(path)
        if not _is_as_written(text) or path.is_symlink():
            if _leads_there(text, wanted):
                return path
            new = path.with_name("config.ini.new")
            say(
                f"{path} is not as this network wrote it, and leads elsewhere: it is kept, and "
                f"the config of this network is {new}. Without {path.name} it is written again."
            )
            path = new
    _write(path, wanted)
    return path


def _parser(options: Options) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    for section, values in options.items():
        parser[section] = {name: str(value).replace("%", "%%") for name, value in values.items()}
    return parser


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError):  # a folder, a link to nowhere, some other file
        return ""


def _is_as_written(text: str) -> bool:
    mark, _, body = text.removeprefix(_HEAD).partition("\n")
    return text.startswith(_HEAD) and mark == _MARK + _digest(body)


def _leads_there(text: str, wanted: configparser.ConfigParser) -> bool:
    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read_string(text)
    except configparser.Error:
        return False
    return all(
        found.get(section, name, fallback=None) == value
        for section in wanted.sections()
        for name, value in wanted.items(section)
    )


def _write(path: Path, parser: configparser.ConfigParser) -> None:
    text = io.StringIO()
    parser.write(text)
    body = text.getvalue()
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(f"{_HEAD}{_MARK}{_digest(body)}\n{body}", encoding="utf-8")
    unfinished.replace(path)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]
