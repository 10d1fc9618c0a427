"""The studio, a real browser, and pages that may call nobody else."""

import contextlib

import pytest

from tests import command
from tests.studio.running import BROWSERS, Studio, a_browser
from tests.studio.visits import Visit

_PATIENCE = 30_000  # milliseconds that the slowest machine may take for one thing on the page


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    pytest.importorskip("gradio", reason="the studio needs gradio: pip install 'tf-style[studio]'")
    studio = Studio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.end()


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright", reason="the studio's page is tried by playwright")
    with a_browser() as browser:
        if browser is None:
            pytest.skip(f"the studio's page is tried in a browser; install one of {', '.join(BROWSERS)}")
        yield browser


@pytest.fixture
def visit(studio, browser):
    """Opens the page in a new window; no window may ask another host than the studio, or fail in its scripts."""
    asked, failed = [], []
    with contextlib.ExitStack() as windows:

        def open_page(url=studio.url, **options):
            options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
            context = windows.enter_context(browser.new_context(**options))
            context.set_default_timeout(_PATIENCE)
            context.on("request", lambda request: asked.append(request.url))
            page = context.new_page()
            page.on("pageerror", lambda error: failed.append(str(error)))
            return Visit(page, url)

        yield open_page
    elsewhere = [url for url in asked if not url.startswith((studio.url, "data:", "blob:"))]
    assert not elsewhere
    assert not failed


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A photo, a painting, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    command.write_picture(folder / "My photo.jpg", 150, 200)
    command.write_picture(folder / "painting.png", 120, 100, seed=1)
    (folder / "text.jpg").write_text("This is no picture, whatever its name says.\n")
    return folder


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
