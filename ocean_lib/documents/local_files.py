"""Files of this machine, put where the embedded network's Provider reads them.

The two sides share no code, so this is written by the layout that docs/localnet.md describes: in
the network's state folder, `files/<64 random hex digits>/<name>` is what the Provider finds at its
own URL with the path `/files/<the same digits>/<name>`. Nothing answers at that URL.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ocean_lib.documents.description import FileEntry
from ocean_lib.exceptions import ConfigError, InvalidInput

SECTION, STATE = "localnet", "state"
_FOLDER = "files"


class LocalFiles:
    """Where local files of assets go.

    Args:
        config: of the embedded network, whose option `localnet.state` names its folder.
    """

    def __init__(self, config: Any) -> None:
        self._config = config

    def check(self, files: Sequence[FileEntry]) -> Path:
        """Return the folder for local files, if one of these is one.

        Raises:
            ConfigError: one is, and the config is of another network.
        """
        local = next((file for file in files if not file.url), None)
        return self._folder(local) if local else Path()

    def urls_of(self, files: Sequence[FileEntry]) -> list[str]:
        """Return the URL of each file; what is not at a URL is copied first.

        Raises:
            ConfigError: there is a local file, and the config is of another network; nothing was
                copied.
            InvalidInput: a file cannot be copied.
        """
        folder = self.check(files)
        return [file.url or self._copied(file, folder) for file in files]

    def _folder(self, file: FileEntry) -> Path:
        state = self._config.get(SECTION, STATE, fallback="")
        if state and Path(state).is_dir():
            return Path(state) / _FOLDER
        what = file.path or f"The content of {file.name}"
        raise ConfigError(
            f"{what} is of this machine, which only the embedded network's Provider can read. Put "
            "it where your Provider can fetch it, and give its URL; or use the config of the "
            "embedded network (`ocean-compute localnet` writes it)."
        )

    def _copied(self, file: FileEntry, folder: Path) -> str:
        digits = secrets.token_hex(32)
        target = folder / digits / file.name
        try:
            target.parent.mkdir(mode=0o700, parents=True)
            if file.path is not None:
                shutil.copyfile(file.path, target)
            else:
                target.write_bytes(file.content or b"")
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise InvalidInput(f"{file.path or file.name} cannot be copied: {why}.") from None
        root = str(self._config.provider_url).rstrip("/")
        return f"{root}/files/{digits}/{quote(file.name)}"
