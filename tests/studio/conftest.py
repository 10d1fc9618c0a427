"""The studio as its own process, a real browser, and pages that may call nobody else."""

import contextlib
import re
import shutil
import signal
import socket
import threading

import pytest

from tests import command
from tests.studio.visits import Visit

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_SECONDS = 30_000  # milliseconds that the slowest machine may take for one thing on the page


class Studio:
    """`tf-style studio`, its address, and the connections that it made to a proxy in the place of other hosts."""

    def __init__(self, folder, *flags):
        self._proxy = socket.create_server(("127.0.0.1", 0))
        self.calls = 0
        threading.Thread(target=self._count, daemon=True).start()
        proxy = f"http://127.0.0.1:{self._proxy.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        self.files = folder / "temporary"
        self.files.mkdir()
        self.process = command.start(
            ["studio", "--noopen", "--port=0", *flags], folder,
            **dict.fromkeys(names, proxy), no_proxy="", NO_PROXY="", TMPDIR=str(self.files),
        )  # fmt: skip
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", line)[0] if "http" in line else pytest.fail(self.process.stderr.read())

    def _count(self):
        with contextlib.suppress(OSError):
            while True:
                self._proxy.accept()[0].close()
                self.calls += 1

    def end(self):
        """Ends it as Ctrl-C does; returns what it wrote."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        self._proxy.close()
        return out, err


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    pytest.importorskip("gradio", reason="the studio needs gradio: pip install 'tf-style[studio]'")
    studio = Studio(tmp_path_factory.mktemp("studio"))
    yield studio
    studio.end()


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser is installed; the studio is tried in one of {', '.join(BROWSERS)}")
    playwright = pytest.importorskip("playwright.sync_api", reason="the studio is tried by playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(studio, browser):
    """Opens the page in a new window; no window may ask another host than the studio, or fail in its scripts."""
    asked, failed = [], []
    with contextlib.ExitStack() as windows:

        def open_page(url=studio.url, **options):
            options = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce", **options}
            context = windows.enter_context(browser.new_context(**options))
            context.set_default_timeout(_SECONDS)
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
