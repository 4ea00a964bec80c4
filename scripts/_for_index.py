"""Prepare a copy of the project for a package index, whose pages know no neighbouring files.

    python scripts/_for_index.py FOLDER URL

Relative links of FOLDER/README.md then lead to the release's files below URL, where the repository
is published, and the project's URLs are added to FOLDER/pyproject.toml. The repository itself names
no URL, so that a copy of it never points at somebody else's.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>(?![a-z]+:|#)[^)]+)\)")


def absolute(readme: str, root: str, version: str) -> str:
    """Return a README whose links hold wherever it is shown.

    Args:
        readme: its Markdown.
        root: where the repository is published.
        version: the release, whose tag is `v` and this.
    """

    def linked(match: re.Match[str]) -> str:
        kind = "raw" if match["image"] else "blob"
        return f"{match['image']}[{match['text']}]({root}/{kind}/v{version}/{match['target']})"

    return _LINK.sub(linked, readme)


def urls(root: str) -> str:
    """Return the table of the project's URLs for pyproject.toml."""
    places = {
        "Source": root,
        "Documentation": f"{root}/blob/main/docs/index.md",
        "Changelog": f"{root}/blob/main/CHANGELOG.md",
        "Issues": f"{root}/issues",
    }
    return "\n[project.urls]\n" + "".join(f'{name} = "{url}"\n' for name, url in places.items())


def main() -> int:
    folder, root = Path(sys.argv[1]), sys.argv[2].rstrip("/")
    if urlsplit(root).scheme != "https" or not urlsplit(root).netloc:
        print(f"The project's URL must be https://..., got {root!r}.", file=sys.stderr)
        return 2
    project = folder / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    version = re.findall(r'^version = "(.+)"$', text, re.MULTILINE)[0]
    project.write_text(text + urls(root), encoding="utf-8")
    readme = folder / "README.md"
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), root, version), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
