"""config.ini.example and the code agree, in both directions."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

import pytest

from ocean_lib.config import OPTIONS, Config, deprecated_environ_names

EXAMPLE = Path(__file__).parents[2] / "config.ini.example"
TEXT = EXAMPLE.read_text(encoding="utf-8")
LINE = re.compile(r"^(?P<off>; )?(?P<name>[\w.]+) =(?: (?P<value>.*))?$")


def options_of_example() -> dict[tuple[str, str], str | None]:
    """Return every option of the file with its value, None for one that is commented out."""
    section, found = "", {}
    for line in TEXT.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif match := LINE.match(line):
            found[section, match["name"]] = None if match["off"] else match["value"] or ""
    return found


def test_the_file_has_every_option_with_its_default_and_no_other() -> None:
    assert options_of_example() == {(o.section, o.name): o.default for o in OPTIONS}


def test_every_option_has_a_comment_and_its_variable_is_named() -> None:
    for block in TEXT.split("\n\n"):
        lines = block.strip().splitlines()
        if any(LINE.match(line) for line in lines):
            assert lines[0].startswith("; ")
            assert not LINE.match(lines[0])
    variables = {o.env for o in OPTIONS if o.env}
    for name in variables | {entry[0] for entry in deprecated_environ_names.values()}:
        assert name in TEXT


def test_the_file_is_read_as_the_defaults(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for option in OPTIONS:
        if option.env:
            monkeypatch.delenv(option.env, raising=False)
    monkeypatch.delenv("AQUARIUS_URL", raising=False)
    monkeypatch.delenv("CONFIG_FILE", raising=False)

    from_file, defaults = Config(EXAMPLE), Config(options_dict={})

    assert as_dict(from_file) == as_dict(defaults)
    assert caplog.text == ""


def as_dict(config: ConfigParser) -> dict[str, dict[str, str]]:
    return {section: dict(config.items(section)) for section in config.sections()}
