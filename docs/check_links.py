"""Check the built site: ``make docs`` runs it after Sphinx.

Every local address on every page leads to a file, and to a part of it where it names one. Every
name of a class of the package in a page of the guide is a link.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import sklearn_ae
import sklearn_ae.inspection

DOCS = Path(__file__).parent
SITE = DOCS / "_build" / "html"
NAMES = {*sklearn_ae.__all__, *sklearn_ae.inspection.__all__} - {"metrics"}


class Page(HTMLParser):
    """What a page refers to, the parts that can be referred to, and names without a link."""

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.addresses: list[str] = []
        self.parts: set[str] = set()
        self.bare: list[str] = []
        # The elements around the text that is read, that the rules below ask for.
        self._around: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note addresses and parts."""
        given = dict(attrs)
        self.parts.update(value for key in ("id", "name") if (value := given.get(key)))
        self.addresses += [value for key in ("href", "src") if (value := given.get(key))]
        if tag in ("a", "code", "h1", "h2", "h3", "pre"):
            self._around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if self._around and self._around[-1] == tag:
            self._around.pop()

    def handle_data(self, data: str) -> None:
        """Note a name in type of code that is no link."""
        if self._around == ["code"] and data in NAMES:
            self.bare.append(data)


def main() -> int:
    """Print what is broken; return 1 if anything is."""
    pages = {
        path: Page(path) for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts
    }
    broken, checked = [], 0
    for page in pages.values():
        name = page.path.relative_to(SITE).as_posix()
        for address in page.addresses:
            split = urlsplit(address)
            if split.scheme or split.netloc or address == "#":
                continue
            checked += 1
            target = page.path
            if split.path:
                target = (page.path.parent / unquote(split.path)).resolve()
            if target.is_dir():
                target /= "index.html"
            parts = pages[target].parts if target in pages else set()
            if not target.exists():
                broken.append(f"{name}: no file {address}")
            elif parts and unquote(split.fragment) not in {"", *parts}:
                broken.append(f"{name}: no part {address}")
        if page.path.parent.name == "user_guide":
            broken += [f"{name}: {bare} is no link" for bare in page.bare]
    print("\n".join(broken), end="\n" if broken else "")
    print(f"{len(pages)} pages, {checked} local links, {len(broken)} broken")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
