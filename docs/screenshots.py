"""Take pictures of the built site, and measure what does not fit: ``make screenshots``.

Each page is opened in headless Chromium as wide as a desktop and as a phone. The table that is
printed has, for each width, by how many pixels the page is wider than the window, and by how
many its code, tables, formulas, pictures and titles are wider than what shows of them. On a
phone, tables of six columns or more scroll in their frames and are not counted.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
WIDTHS = (1400, 400)
GALLERY = ("plot_displays", "plot_housing", "plot_super_resolution")
API = (
    "sklearn_ae",
    "sklearn_ae.Autoencoder",
    "sklearn_ae.AutoencoderImputer",
)
API += ("sklearn_ae.inspection.LatentDisplay",)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)

# What a reader cannot see without scrolling sideways. `pre` may scroll by itself, a table in its
# container; a picture or a title ends where the window does.
MEASURE = """
(() => {
  const root = document.documentElement;
  const article = document.querySelector("article") || document.body;
  const cut = [];
  const note = (element, pixels) => {
    if (pixels > 1) cut.push([Math.round(pixels), element.textContent.trim().slice(0, 60)]);
  };
  // On a phone, a table of six columns or more may scroll in its frame.
  const table = one => one.closest("table") || one.querySelector(":scope > table");
  const scrolls = one =>
    root.clientWidth < 600 && table(one) && table(one).querySelector("tr > :nth-child(6)");
  for (const box of article.querySelectorAll("pre, div, dt, dd, p, td, th, h1, h2, h3")) {
    const style = getComputedStyle(box);
    if (style.display !== "inline" && style.overflowX !== "visible" && box.clientWidth)
      note(box, scrolls(box) ? 0 : box.scrollWidth - box.clientWidth);
  }
  for (const one of article.querySelectorAll("img, h1, h2, h3, math, table, p, dt")) {
    const box = one.getBoundingClientRect();
    if (box.width && !scrolls(one)) note(one, box.right - root.clientWidth);
  }
  const missing = [...document.images].filter(i => i.complete && !i.naturalWidth && i.src);
  return JSON.stringify({
    page: root.scrollWidth - root.clientWidth,
    cut: cut.sort((a, b) => b[0] - a[0]),
    missing: missing.map(i => i.getAttribute("src")),
    formulas: (article.innerText.match(/\\$[^$\\n]+\\$|\\\\(frac|sum|mathbb|left)/g) || []),
    height: Math.min(root.scrollHeight, 15000),
  });
})()
"""


class Browser:
    """A headless Chromium that is spoken to over two pipes, by its DevTools protocol."""

    def __init__(self, path: str, profile: str):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        # The browser reads from descriptor 3 and writes to descriptor 4.
        shell = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        arguments = [
            path,
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", shell, *arguments],
            pass_fds=(to_browser, from_browser),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._rest = b""
        self._calls = 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = None
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.call("Page.enable")

    _session: str | None = None

    def _read(self) -> dict:
        while b"\0" not in self._rest:
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise RuntimeError("Chromium ended before it answered.")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def call(self, method: str, **parameters) -> dict:
        """Return what the browser answers to a command."""
        self._calls += 1
        message = {
            "id": self._calls,
            "method": method,
            "params": parameters,
        }
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._read()).get("id") != self._calls:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url: str) -> None:
        """Go to an address, and wait until its pictures are there."""
        self.call("Page.navigate", url=url)
        while self._read().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, script: str) -> dict:
        """Return what a script finds on the page."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True)["result"]
        return json.loads(answer["value"])

    def size(self, width: int, height: int) -> None:
        """Set the size of the window."""
        metrics = {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": False,
        }
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=30)


def pages(site: Path) -> list[Path]:
    """Return the pages that are looked at."""
    guide = sorted(site.glob("user_guide/*.html"))
    gallery = [next(site.glob(f"auto_gallery/**/{name}.html")) for name in GALLERY]
    api = [site / "api" / "generated" / f"{name}.html" for name in API]
    others = [
        site / name
        for name in (
            "index.html",
            "getting_started.html",
            "benchmarks.html",
        )
    ]
    return [
        *others,
        *guide,
        site / "auto_gallery" / "index.html",
        *gallery,
        *api,
    ]


def main() -> int:
    """Look at every page at both widths; return 1 where something does not fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, default=DOCS / "_build" / "html")
    parser.add_argument("--output", type=Path, default=DOCS / "_build" / "screenshots")
    parser.add_argument("--details", action="store_true", help="say which parts do not fit")
    parser.add_argument(
        "words",
        nargs="*",
        help="only pages whose path has one of these words",
    )
    options = parser.parse_args()
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        print("No pictures are taken: there is no", ", ".join(BROWSERS))
        return 0
    options.output.mkdir(parents=True, exist_ok=True)
    chosen = pages(options.site.resolve())
    if options.words:
        chosen = [page for page in chosen if any(word in str(page) for word in options.words)]
    print(f"{'page':50}" + "".join(f"{width:>7} cut" for width in WIDTHS))
    worst = 0
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(path, profile)
        for page in chosen:
            name = page.relative_to(options.site.resolve()).with_suffix("").as_posix()
            line, notes = f"{name:50}", []
            for width in WIDTHS:
                browser.size(width, 1000)
                browser.open(page.as_uri())
                found = browser.evaluate(MEASURE)
                cut = found["cut"][0][0] if found["cut"] else 0
                line += f"{found['page']:>7}{cut:>4}"
                worst = max(worst, found["page"], cut)
                notes += [f"  {width}: {pixels} px, {text!r}" for pixels, text in found["cut"]]
                for kind in ("missing", "formulas"):
                    worst = max(worst, len(found[kind]))
                    notes += [f"  {width}: {kind}, {text!r}" for text in found[kind]]
                browser.size(width, found["height"])
                picture = browser.call("Page.captureScreenshot", format="png")["data"]
                file = options.output / f"{name.replace('/', '.')}-{width}.png"
                file.write_bytes(base64.b64decode(picture))
            print(line, flush=True)
            if options.details:
                print("\n".join(notes))
        browser.close()
    print(f"{len(chosen)} pages x {len(WIDTHS)} widths; the most that is cut: {worst} px")
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
