"""Whether the user trusts a Provider that an asset names: asked once, and kept if wanted."""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocean_lib.exceptions import ConfigError, ProviderNotTrusted

if TYPE_CHECKING:
    from ocean_lib.config import Config

_SECTION = re.compile(r"\s*\[(?P<name>[^\]]+)\]")
_OPTION = re.compile(r"(?P<head>provider\.trusted\s*[=:])[ \t]*(?P<value>.*)", re.IGNORECASE)


def ask(error: ProviderNotTrusted, config: Config, config_file: str | None) -> None:
    """Ask whether signatures may go to a Provider, and let the config say so from now on.

    Args:
        error: what the library refused.
        config: of this run.
        config_file: where `always` is kept; None: it is not offered.

    Raises:
        ProviderNotTrusted: the answer is no, or nobody can answer.
        ConfigError: it cannot be kept.
    """
    if not sys.stdin.isatty():
        raise error
    click.echo(
        f"Data set {error.did} names the Provider {error.origin}, which your config does not. "
        "Whoever gets a signature of this wallet can use it at every Provider, to stop its jobs "
        "or to read their results.",
        err=True,
    )
    answers = ["no", "once", *(["always"] if config_file else [])]
    answer = click.prompt(
        f"Sign for {error.origin}?", type=click.Choice(answers), default="no", err=True
    )
    if answer == "no":
        raise error
    if answer == "always" and config_file:
        _remember(Path(config_file).expanduser(), error.origin)
        click.echo(f"Kept in {config_file}.", err=True)
    config.trust_provider(error.origin)


def _remember(path: Path, origin: str) -> None:
    """Add an origin to `provider.trusted` of a config file; all else stays as it is."""
    from ocean_lib.config import Config

    path = path.resolve()  # a link stays one
    try:
        text = _with_origin(path.read_text(encoding="utf-8"), origin)
        if origin in Config(text=text).trusted_providers:
            _replace(path, text)
            return
        reason = "something else overrides the option there"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except ValueError as error:
        reason = str(error)
    raise ConfigError(
        f"{path} cannot keep the answer ({reason}). Put provider.trusted = {origin} into "
        "[resources] there, or answer `once`."
    )


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        unfinished.touch(mode=path.stat().st_mode & 0o777, exist_ok=False)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _with_origin(text: str, origin: str) -> str:
    """Put an origin before those that are there; `%` stands for itself twice in a config."""
    origin = origin.replace("%", "%%")
    lines = text.splitlines(keepends=True)
    section, start = "", None
    for number, line in enumerate(lines):
        if header := _SECTION.match(line.lstrip("\ufeff")):
            section = header["name"]
            start = number if section == "resources" else start
        elif section == "resources" and (found := _OPTION.match(line)):
            value = found["value"].strip()
            lines[number] = f"{found['head']} {origin}{', ' if value else ''}{value}\n"
            return "".join(lines)
    if start is None:
        return f"{text.rstrip()}\n\n[resources]\nprovider.trusted = {origin}\n"
    lines[start] = f"{lines[start].rstrip()}\nprovider.trusted = {origin}\n"
    return "".join(lines)
