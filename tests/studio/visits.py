"""What a visitor of the studio's page does, for tests and for the pictures of the documentation."""

import shlex


class Visit:
    """A window with the studio's page, opened."""

    def __init__(self, page, url):
        self.page = page
        page.goto(url)
        self.wait_until_there()

    def wait_until_there(self):
        self.page.wait_for_selector("#gallery input[value='library:starry_night']", state="attached")

    def one(self, selector):
        return self.page.locator(f"#stage {selector}")

    def photo(self, path):
        """Chooses a photo, and waits until it is shown."""
        before = self.one("img.before").get_attribute("src")
        self.one("input.file").first.set_input_files(path)
        self.page.wait_for_function(
            "before => { const image = document.querySelector('#stage img.before');"
            " return !image.hidden && image.complete && image.getAttribute('src') !== before; }",
            arg=before,
        )

    def choose(self, *styles):
        """Chooses paintings of the library."""
        for style in styles:
            self.page.locator(f"#gallery input[value='{style}']").check(force=True)

    def set(self, label, value):
        """Gives a slider's value as a number."""
        self.page.get_by_label(f"number input for {label}").first.fill(str(value))
        self.page.keyboard.press("Tab")

    def quality(self, name):
        self.page.get_by_role("radio", name=name, exact=True).first.check()

    def paint(self):
        self.page.locator("#paint").click()

    def wait_for(self, state):
        """Waits until the work is in a state: waiting, painting, done, stopped, failed."""
        self.page.wait_for_selector(f"#stage .stage[data-state='{state}']", state="attached")

    def wait_for_picture(self):
        """Waits until the page shows a painting, or the part of it that there is."""
        self.page.wait_for_function(
            "() => { const image = document.querySelector('#stage img.after');"
            " return !image.hidden && image.complete && image.naturalWidth > 0; }"
        )

    def painted(self):
        """Presses Paint, and waits for the painting."""
        self.paint()
        self.page.wait_for_selector("#stage .download:visible")
        self.wait_for("done")

    @property
    def line(self):
        return self.one(".line").inner_text()

    def show(self, place):
        """Shows a work of this session, the latest first."""
        entry = self.page.locator("#history .works .open").nth(place)
        entry.click()
        self.page.wait_for_selector(f"#history .works li:nth-child({place + 1}) .open[aria-pressed='true']")

    def wait_for_line(self, text):
        self._wait_for_text("#stage .line", text)

    def wait_for_notice(self, text):
        self._wait_for_text("#stage .notice:not([hidden])", text)

    def wait_for_chosen(self, text):
        self._wait_for_text("#gallery .chosen", text)

    def _wait_for_text(self, selector, text):
        self.page.wait_for_function(
            "([selector, text]) => (document.querySelector(selector)?.textContent || '').includes(text)",
            arg=[selector, text],
        )

    def download(self, folder):
        """Downloads the painting; returns its file."""
        with self.page.expect_download() as download:
            self.one(".download").click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def recipe(self, folder):
        """Downloads the files that the command names; returns its arguments, and the Python text."""
        if not self.page.locator("#history .recipe[open]").count():
            self.page.locator("#history .recipe summary").click()
        for link in self.page.locator("#history .files a").all():
            with self.page.expect_download() as download:
                link.click()
            download.value.save_as(folder / download.value.suggested_filename)
        program, *arguments = shlex.split(self.page.locator("#history pre.command").inner_text())
        assert program == "tf-style"
        return arguments, self.page.locator("#history pre.python").inner_text()

    def stroke(self, height, width=0.9):
        """Brushes from left to right at a height, a share of the picture's."""
        box = self.one("canvas").bounding_box()
        places = [box["x"] + box["width"] * share for share in (0.05, width / 2, width)]
        self.page.mouse.move(places[0], box["y"] + box["height"] * height)
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(place, box["y"] + box["height"] * height)
        with self.page.expect_response(lambda response: "/upload" in response.url):
            self.page.mouse.up()
