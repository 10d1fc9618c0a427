"""The studio as its own process, and a browser: for tests, and for the pictures of the documentation."""

import contextlib
import re
import shutil
import signal
import socket
import threading

from tests import command

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")


@contextlib.contextmanager
def a_browser():
    """Starts one that is installed; None if there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


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
        assert "http://" in line, self.process.stderr.read()
        self.url = re.search(r"http://\S+", line)[0]

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
