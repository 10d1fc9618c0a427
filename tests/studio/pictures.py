"""Takes the pictures of docs/studio.md: `python -m tests.studio.pictures FOLDER` writes them there."""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests import command
from tests.studio.running import Studio, a_browser
from tests.studio.visits import Visit

_EXAMPLES = command.ROOT / "examples" / "pictures"
_QUALITY = 82
_PHONE = {"width": 390, "height": 844}


def main(folder):
    with tempfile.TemporaryDirectory() as scratch, a_browser() as browser:
        if browser is None:
            sys.exit("There is no browser; install chromium.")
        studio = Studio(Path(scratch))
        try:
            for name, take in {"studio": desktop, "studio_regions": regions, "studio_taste": taste}.items():
                shot(take(browser, studio.url), folder / f"{name}.webp")
            phones(browser, studio.url, folder / "studio_phone.webp")
        finally:
            studio.end()


def opened(browser, url, photo, **options):
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options}).new_page()
    visitor = Visit(page, url)
    visitor.photo(_EXAMPLES / photo)
    return visitor


def shot(visitor, path):
    visitor.page.mouse.move(0, 0)
    visitor.page.evaluate("window.scrollTo(0, 0)")
    visitor.page.wait_for_timeout(500)
    Image.open(io.BytesIO(visitor.page.screenshot())).save(path, quality=_QUALITY, method=6)


def desktop(browser, url, **options):
    """Before and after."""
    visitor = opened(browser, url, "mountain_lake.jpg", **options)
    visitor.page.get_by_label("In words").fill("stars over dark water")
    visitor.page.get_by_label("In words").press("Enter")
    visitor.wait_for_chosen("%")
    visitor.set("Size", 1024)
    visitor.painted()
    visitor.one(".split").fill("38")
    return visitor


def regions(browser, url):
    """Two paintings, brushed over the photo, in the dark."""
    visitor = opened(browser, url, "mountain_lake.jpg", color_scheme="dark")
    visitor.choose("library:great_wave", "library:starry_night")
    visitor.one("button.brush").click()
    visitor.page.wait_for_selector("#stage .palette label:nth-child(2)")
    visitor.one(".width").fill("160")
    for height in (0.1, 0.3):
        visitor.stroke(height, 0.97)
    visitor.one(".palette label").nth(1).click()
    for height in (0.66, 0.9):
        visitor.stroke(height, 0.97)
    return visitor


def taste(browser, url):
    """Two paintings to choose between."""
    visitor = opened(browser, url, "lighthouse.jpg")
    visitor.page.get_by_role("tab", name="Taste").click()
    visitor.page.get_by_role("button", name="Begin").click()
    for side in ("left", "right", "left", "left", "right", "left"):
        visitor.page.locator(f"#taste [data-answer='{side}']:enabled").click()
    visitor.page.locator("#taste [data-answer='left']:enabled").wait_for()
    return visitor


def phones(browser, url, path):
    """A painting, and the library, side by side."""
    visitor = desktop(browser, url, viewport=_PHONE, device_scale_factor=1.5, color_scheme="dark")
    visitor.page.evaluate("window.scrollTo(0, 0)")
    visitor.page.wait_for_timeout(500)
    first = Image.open(io.BytesIO(visitor.page.screenshot()))
    visitor.page.get_by_role("tab", name="Library").click()
    visitor.page.wait_for_timeout(1000)
    both = Image.new("RGB", (2 * first.width + 40, first.height), "white")
    both.paste(first, (0, 0))
    both.paste(Image.open(io.BytesIO(visitor.page.screenshot())), (first.width + 40, 0))
    both.save(path, quality=_QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
