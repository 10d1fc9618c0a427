"""The page in a real browser: pictures, from the photo to the download; visitors; what is nobody's business; the end.

All in one file, so that they share one studio and one browser.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
import pytest
from PIL import Image

from tests import command
from tf_style import images

STARRY, WAVE = "library:starry_night", "library:great_wave"

#: Texts whose contrast is below 4.5 (WCAG 2.1, 1.4.3), by the colours behind them.
FAINT = """() => {
  const numbers = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const behind = (node) => {
    const color = numbers(getComputedStyle(node).backgroundColor);
    return color.length < 4 || color[3] > 0.9 || !node.parentElement ? color : behind(node.parentElement);
  };
  const shows = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  return [...document.querySelectorAll("main *")].filter(shows).map((node) => {
    const [less, more] = [numbers(getComputedStyle(node).color), behind(node)].map(light).sort((a, b) => a - b);
    return [node.textContent.trim().slice(0, 40), (more + 0.05) / (less + 0.05)];
  }).filter(([, contrast]) => contrast < 4.5);
}"""

#: Things to use that have no name for a screen reader.
UNNAMED = """() => [...document.querySelectorAll("main :is(input, select, textarea, button, video, canvas)")]
  .filter((node) => node.checkVisibility() && !node.ariaLabel && !node.title && !(node.labels && node.labels.length)
    && !node.textContent.trim()).map((node) => node.outerHTML)"""


def ready(visitor, pictures, size=128, quality="Instant", style=STARRY):
    """A photo, a painting, and how to paint."""
    visitor.photo(pictures / "My photo.jpg")
    visitor.choose(style)
    visitor.set("Size", size)
    visitor.quality(quality)


def status(url):
    """What a request for an address is answered with."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_new_visitor_has_a_painting_within_ten_seconds_and_can_make_it_again(visit, pictures, tmp_path):
    visitor = visit()
    ready(visitor, pictures)
    begun = time.monotonic()
    visitor.painted()
    assert time.monotonic() - begun < 10
    assert visitor.line.startswith("Painted in")
    painting = visitor.download(tmp_path)
    assert painting.name == "My_photo-starry_night.png"
    assert pixels(painting).shape == (96, 128, 3)

    again = tmp_path / "again"
    again.mkdir()
    arguments, python = visitor.recipe(again)
    outcome = command.run(arguments, again)
    assert outcome.status == 0, outcome.stderr
    assert (again / painting.name).read_bytes() == painting.read_bytes()
    (again / painting.name).unlink()
    (again / "again.py").write_text(python)
    assert command.run_script(again / "again.py", [], again).status == 0
    difference = pixels(again / painting.name).astype(int) - pixels(painting)
    assert np.abs(difference).mean() < 1, "the same but for rounding"

    sizes = visitor.one(".larger select")
    assert "A4" in sizes.inner_text()
    sizes.select_option("256")
    visitor.one(".again").click()
    visitor.page.wait_for_selector("#stage .download[download*='-256']:visible")
    assert pixels(visitor.download(tmp_path)).shape == (192, 256, 3)

    visitor.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as without TLS
    visitor.page.locator("#history .copy").first.click()
    visitor.page.get_by_role("button", name="Copied").wait_for()
    sizes.select_option("3508")
    visitor.one(".again").click()
    visitor.one(".stop").click()
    visitor.wait_for("stopped")
    visitor.page.get_by_role("button", name="Use the settings").first.click()
    visitor.page.wait_for_function("document.querySelector('input[aria-label*=\"for Size\"]').value === '3508'")
    visitor.paint()
    visitor.wait_for("painting")
    visitor.one(".stop").click()


def test_stop_keeps_the_picture_so_far_and_settings_can_be_used_again(visit, pictures, tmp_path):
    visitor = visit()
    ready(visitor, pictures, 448, "Finest")
    visitor.paint()
    visitor.wait_for_picture()
    assert visitor.line.startswith("Step ")
    visitor.one(".stop").click()
    visitor.wait_for("stopped")
    assert "What is painted so far is kept." in visitor.line
    assert pixels(visitor.download(tmp_path)).shape == (336, 448, 3)
    assert visitor.page.locator("#history .recipe").is_hidden()  # no command stops there

    visitor.quality("Instant")
    visitor.painted()
    entries = visitor.page.locator("#history .works li")
    assert entries.count() == 2
    assert "finest" in entries.nth(1).inner_text()
    entries.nth(1).get_by_role("button", name="Use the settings").click()
    visitor.wait_for("stopped")
    finest = visitor.page.get_by_role("radio", name="Finest", exact=True).first
    visitor.page.wait_for_function("input => input.checked", arg=finest.element_handle())


def test_a_page_that_is_loaded_again_goes_on(visit, pictures):
    visitor = visit()
    ready(visitor, pictures, 448, "Finest")
    visitor.paint()
    visitor.wait_for_picture()
    visitor.page.reload()
    visitor.wait_until_there()
    visitor.wait_for("painting")
    visitor.wait_for_picture()
    visitor.one(".stop").click()
    visitor.wait_for("stopped")
    visitor.quality("Instant")
    visitor.painted()


def test_visitors_take_turns_and_cannot_see_the_files_of_others(studio, visit, pictures):
    one, other = visit(), visit()
    ready(one, pictures, 448, "Finest")
    ready(other, pictures, style=WAVE)
    one.paint()
    one.wait_for("painting")
    one.paint()
    one.wait_for_line("comes first")
    other.paint()
    other.wait_for("waiting")
    one.show(1)
    one.one(".stop").click()
    other.wait_for("done")  # before the second work of the one
    one.show(0)
    one.one(".stop").click()
    one.wait_for("stopped")

    address = other.one(".download").get_attribute("href")
    owner, stranger = (page.page.evaluate("sessionStorage.getItem('tf-style-studio')") for page in (other, one))
    assert owner in address
    assert status(f"{studio.url}/{address}") == 200
    assert status(f"{studio.url}/{address.replace(owner, stranger)}") == 404
    assert status(f"{studio.url}/studio/{owner}/file/..%2F..%2Fwarm_up.png") == 404
    painting = next(studio.files.rglob(f"visitors/{owner}/*.png"))
    for path in ("/etc/passwd", str(painting), str(next(studio.files.rglob("warm_up.png"))), "http://localhost/"):
        assert status(f"{studio.url}/gradio_api/file={path}") == 403
        assert status(f"{studio.url}/gradio_api/file={urllib.parse.quote(path, safe='')}") == 403


def test_paintings_go_where_they_are_brushed(visit, pictures, tmp_path):
    visitor = visit()
    ready(visitor, pictures)
    visitor.choose(WAVE)
    visitor.one("button.brush").click()
    visitor.page.wait_for_selector("#stage .palette label:nth-child(2)")
    visitor.one(".width").fill("60")
    visitor.stroke(0.2)
    visitor.paint()
    visitor.wait_for_notice("Nothing is brushed with The Great Wave")
    visitor.page.route("**/upload*", lambda route: route.abort())
    visitor.one(".rest").check()
    visitor.wait_for_notice("brush again")
    visitor.page.unroute("**/upload*")
    visitor.one(".rest").uncheck()
    visitor.one(".palette label").nth(1).click()
    visitor.stroke(0.8)
    visitor.painted()
    painting = visitor.download(tmp_path)
    photo = images.resize(images.read_image(pictures / "My photo.jpg"), (96, 128)).pixels * 255
    changed = np.abs(pixels(painting) - photo).max(-1)
    assert changed[45:51].max() <= 1, "between the strokes the photo stays"
    assert np.median(changed[14:24, 20:100]) > 8
    assert np.median(changed[72:82, 20:100]) > 8

    again = tmp_path / "again"
    again.mkdir()
    arguments, _ = visitor.recipe(again)
    assert command.run(arguments, again).status == 0
    assert (again / painting.name).read_bytes() == painting.read_bytes()


def test_words_own_paintings_and_the_library_choose(visit, pictures):
    visitor = visit()
    words = visitor.page.get_by_label("In words")
    words.fill("stormy sea, muted")
    words.press("Enter")
    visitor.wait_for_chosen("Raft of the Medusa 78%")
    visitor.page.get_by_role("button", name="Colours and strokes").first.click()
    assert visitor.page.get_by_label("number input for Saturation").first.input_value() == "0.6"
    words.fill("xqzzy")
    words.press("Enter")
    visitor.wait_for_notice("xqzzy")

    visitor.page.locator("#gallery .own input").set_input_files(pictures / "painting.png")
    visitor.wait_for_chosen("painting.png")
    visitor.page.get_by_role("tab", name="Library").click()
    search = visitor.page.get_by_label("Search in words")
    search.fill("stars over water")
    search.press("Enter")
    visitor.page.wait_for_function("document.querySelectorAll('#library li').length < 20")
    first = visitor.page.locator("#library li").first
    first.locator("input").check()
    visitor.wait_for_chosen(first.locator("b").inner_text())
    search.fill("xqzzy")
    search.press("Enter")
    visitor.page.locator("#library .notice").get_by_text("xqzzy").wait_for()


def test_a_bad_file_is_refused_in_a_sentence(visit, pictures):
    visitor = visit()
    visitor.one("input.file").first.set_input_files(pictures / "text.jpg")
    visitor.wait_for_notice("'text.jpg' is not a picture")
    visitor.paint()
    visitor.wait_for_notice("There is no photo yet")
    visitor.photo(pictures / "My photo.jpg")
    assert visitor.one(".notice").is_hidden()


def test_films(visit, pictures, tmp_path):
    clips = pytest.importorskip("tests.video.clips", reason="films need PyAV: pip install 'tf-style[video]'")
    clips.make_clip(tmp_path / "clip.mp4", range(4), (96, 128))
    visitor = visit()
    visitor.choose(STARRY)
    visitor.page.get_by_role("tab", name="Film").click()
    film = visitor.page.locator("#film")
    film.locator("input.file").first.set_input_files(pictures / "text.jpg")
    film.locator(".notice:visible").wait_for()
    assert film.locator(".notice").inner_text().startswith("A film ends in one of .mp4")
    Image.new("RGB", (64, 48)).save(tmp_path / "clip.gif", save_all=True, append_images=[Image.new("RGB", (64, 48), 9)])
    film.locator("input.file").first.set_input_files(tmp_path / "clip.gif")
    visitor.page.wait_for_function("document.querySelector('#film img[alt=\"Your film\"]:not([hidden])')?.naturalWidth")
    film.locator("input.file").first.set_input_files(tmp_path / "clip.mp4")
    film.locator("video.clip:visible").wait_for()
    film.locator("input.sound").set_input_files(tmp_path / "clip.mp4")
    film.locator(".mute:visible").wait_for()
    visitor.page.get_by_label("Let the sound drive the painting").click()
    visitor.page.get_by_role("option", name="Calmly").click()
    visitor.page.locator("#film-paint").click()
    film.locator(".download:visible").wait_for()
    with visitor.page.expect_download() as download:
        film.locator(".download").click()
    download.value.save_as(tmp_path / "painted.mp4")
    assert len(clips.frames_of(tmp_path / "painted.mp4")[0]) == 4
    film.locator(".recipe summary").click()
    text = film.locator("pre.command").inner_text()
    assert text.startswith("tf-style video --preset=instant --content=clip.mp4 --style=library:starry_night")
    assert "--react=calm --audio=clip-2.mp4" in text


def test_taste(visit, pictures, tmp_path):
    visitor = visit()
    taste = visitor.page.locator("#taste")
    visitor.page.get_by_role("tab", name="Taste").click()
    taste.get_by_role("button", name="Begin").click()
    taste.get_by_text("There is no photo to paint").wait_for()
    visitor.page.get_by_role("tab", name="Picture").click()
    visitor.photo(pictures / "My photo.jpg")
    visitor.page.get_by_role("tab", name="Taste").click()
    taste.get_by_role("button", name="Begin").click()
    taste.get_by_role("button", name="Left is better").click()
    taste.get_by_text("after 1 choice").wait_for()
    taste.locator("[data-answer='left'][aria-disabled='false']").wait_for()  # the focus is still there
    visitor.page.keyboard.press("ArrowRight")
    taste.get_by_text("after 2 choices").wait_for()
    taste.get_by_role("button", name="Take the last answer back").click()
    taste.get_by_text("after 1 choice").wait_for()
    with visitor.page.expect_download() as download:
        taste.get_by_role("link", name="Download my profile").click()
    download.value.save_as(tmp_path / "taste.json")
    taste.get_by_role("button", name="Paint with my taste").click()
    visitor.wait_for_chosen(json.loads((tmp_path / "taste.json").read_text())["styles"][0]["title"])
    visitor.painted()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_works_by_keyboard(visit, pictures, scheme):
    visitor = visit(color_scheme=scheme)
    for width in (1440, 390):
        visitor.page.set_viewport_size({"width": width, "height": 850})
        for tab in ("Film", "Library", "Taste", "Picture"):
            visitor.page.get_by_role("tab", name=tab).click()
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width
            assert visitor.page.evaluate(FAINT) == [], tab
            assert visitor.page.evaluate(UNNAMED) == [], tab
    painting = visitor.page.locator("#gallery input[type=checkbox]").first
    painting.focus()
    visitor.page.keyboard.press("Space")
    assert painting.is_checked()
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("getComputedStyle(document.activeElement.closest('.tile')).outlineStyle") == "solid"


def test_it_ends_and_leaves_nothing(studio, visit, pictures):  # the last one
    visitor = visit()
    ready(visitor, pictures)
    assert list(studio.files.rglob("visitors/*/My_photo.jpg"))
    _, err = studio.end()
    assert (studio.process.returncode, err) == (0, "")
    assert not list(studio.files.iterdir())
    assert studio.calls == 0, "it called other hosts"
    visitor.wait_for_notice("The studio does not answer.")
