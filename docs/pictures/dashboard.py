"""Takes docs/pictures/dashboard-*.png: screens of `rowcrew demo web`. `./dev pictures` calls it.

In: a real demonstration, after a while. Out: the pictures. It needs Chromium.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser

from rig.browser import chromium, headless
from rig.programs import ROWCREW, program

FOLDER: Final = Path(__file__).parent
LIVELY_SECONDS: Final = 75
_FIRST_JOB: Final = "#jobs tbody th a"


class Shot(NamedTuple):
    """A picture: its name, the screen, and what to click there first."""

    name: str
    path: str
    theme: str = "light"
    click: str | None = None
    width: int = 1440
    height: int = 900


SHOTS: Final = (
    Shot("now", "/"),
    Shot("now-dark", "/", theme="dark"),
    Shot("job", "/jobs?q=status:processing type:import_rows", click=_FIRST_JOB),
    Shot("jobs", "/jobs?q=queue:crawl", click="#jobs tbody tr:nth-child(2) input", height=720),
    Shot("why", "/why", height=720),
    Shot("phone", "/", width=390, height=844),
)


def main(folder: Path = FOLDER, seconds: float = LIVELY_SECONDS) -> int:
    if chromium() is None:
        print("needs Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    with program(*ROWCREW, "demo", "web", "--port", "0") as served, headless() as browser:
        address = served.line("Serving http://").partition(" ")[2]
        time.sleep(seconds)
        for shot in SHOTS:
            take(browser, address, shot, folder)
    return 0


def take(browser: Browser, address: str, shot: Shot, folder: Path) -> None:
    context = browser.new_context(
        base_url=address,
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.theme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(shot.path)
    if shot.click is not None:
        page.locator(shot.click).first.click()
        page.wait_for_load_state()
    page.screenshot(path=folder / f"dashboard-{shot.name}.png")
    context.close()


if __name__ == "__main__":
    sys.exit(main())
