"""Check the links of the built site: every page, file and anchor inside it has to be there.

`python docs/links.py docs/_build/html`. Links to other sites are only counted, as a build must not
depend on them.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, and what it links to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors = {"", "top"}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names and points at."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            elif name in ("href", "src") and value is not None:
                self.links.append(value)


def broken(site: Path) -> tuple[list[str], int]:
    """Return the links that lead nowhere, and how many lead out of the site."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found, outside = [], 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                outside += parts.scheme in ("http", "https")
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].anchors if target in pages else None
            if not target.exists() or (known is not None and unquote(parts.fragment) not in known):
                found.append(f"{path.relative_to(site)}: {link}")
    return found, outside


def main() -> int:
    site = Path(sys.argv[1]).resolve()
    found, outside = broken(site)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} broken links inside the site; {outside} to others were not followed.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
