"""Take the pictures of the report's page: ``python docs/report_pictures.py``; it needs Chromium."""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from screenshots import BROWSERS, Browser

OUTPUT = Path(__file__).parent / "_static"
# Sections of the page by their position, and the pictures of them.
SECTIONS = {0: "report_codes.png", 2: "report_missing.png"}
PLACES = """
JSON.stringify([...document.querySelectorAll("h2")].map(heading => {
  const box = heading.parentElement.getBoundingClientRect();
  return {x: box.x, y: box.y, width: box.width, height: box.height, scale: 1};
}))
"""


def main() -> None:
    """Write a report on the table that the package brings, and take pictures of two sections."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sklearn_ae", "report", "--output", folder]
        subprocess.run(command, check=True)
        browser = Browser(next(filter(None, map(shutil.which, BROWSERS))), f"{folder}/profile")
        browser.size(1000, 5000)
        browser.open((Path(folder) / "report.html").as_uri())
        places = browser.evaluate(PLACES)
        for position, name in SECTIONS.items():
            shot = browser.call("Page.captureScreenshot", format="png", clip=places[position])
            (OUTPUT / name).write_bytes(base64.b64decode(shot["data"]))
        browser.close()


if __name__ == "__main__":
    main()
