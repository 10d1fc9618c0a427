"""A picture painted by a model server: read the pictures, ask the server, write the painting."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_style import images
from tf_style.config import ConfigError, RequestOptions, StylizeConfig, StylizeFiles
from tf_style.jobs.run.inputs import Inputs, read_inputs
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.serving.client import Client, RestClient
from tf_style.serving.client.answers import Step
from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.errors import ServerError

_FAILED, _BAD_INPUT = 1, 2
_STYLE_SIDES = 2  # a style's long side is cut to this many times the content's: all that models use, in a small message

Levels = npt.NDArray[np.uint8]
Styles = list[Levels | str]


def run(options: RequestOptions) -> int:
    """Asks for a painting and writes it.

    Returns:
      The exit status: 0; 1 if the server fails and 130 after an interruption (the picture so far is written); 2 if the
      server calls the request invalid.

    Raises:
      ImageError, ConfigError: Before the server is asked.
    """
    files = StylizeFiles(
        content=options.content,
        style=options.style or (options.style_name or options.style_text,),
        output=options.output,
        quality=options.quality,
        max_pixels=options.max_pixels,
        quiet=options.quiet,
    )
    config = StylizeConfig(size=options.size, style_blend=options.style_blend)
    job = _Job(options, read_inputs(config, files, styles_are_names=not options.style))
    try:
        with contextlib.closing(_connect(options)) as client, Interruption() as interruption:
            paint = job.paint_in_calls if options.advance_every else job.paint_at_once
            return paint(client, interruption)
    except ServerError as error:
        print(f"tf-style: {error}", file=sys.stderr)
        return _BAD_INPUT if error.code == "INVALID_ARGUMENT" else _FAILED


class _Job:
    """One request: its pictures, and what is shown and written."""

    def __init__(self, options: RequestOptions, inputs: Inputs) -> None:
        self._options, self._picture = options, inputs.content
        self._content = images.to_uint8(inputs.content.pixels)
        side = _STYLE_SIDES * max(inputs.content.size)
        self._styles: Styles = [images.to_uint8(_reduced(style, side).pixels) for style in inputs.styles]
        self._styles = self._styles or [options.style_name or options.style_text]
        self._display = ProgressDisplay(quiet=options.quiet)
        self._started = time.monotonic()

    def paint_at_once(self, client: Any, interruption: Interruption) -> int:
        try:
            name = "stylize_bytes" if self._options.rest and not self._options.style_text else self._options.signature
            paint = _stylize_blended if len(self._styles) > 1 else _PAINTERS[name]
            painting = paint(client, self._options, self._content, self._styles)
            interruption.at_once = False
        except KeyboardInterrupt:
            self._display.say("Interrupted before the painting arrived; nothing was written.")
            return INTERRUPTED
        if painting.shape != self._content.shape:
            sizes = [f"{width}x{height}" for height, width, _ in (painting.shape, self._content.shape)]
            self._display.say(f"The server paints at its own size, {sizes[0]} instead of {sizes[1]}.")
        return self._finish(painting)

    def paint_in_calls(self, client: Any, interruption: Interruption) -> int:
        last: Step | None = None
        failure: ServerError | None = None
        try:
            steps = client.run(self._content, self._styles[0], every=self._options.advance_every, **self._options.given)
            for last in steps:
                interruption.at_once = False  # while a file is written
                self._report(last)
                interruption.at_once = True  # waiting for the server can be given up at any time
                if interruption.asked:
                    break
        except KeyboardInterrupt:
            pass
        except ServerError as error:
            failure = error
        finally:
            interruption.at_once = False
            self._display.close()
        if last is not None and last.finished:
            return self._finish(last.image)
        return self._stopped(last, failure)

    def _report(self, step: Step) -> None:
        place = f"{step.fraction:4.0%}  step {step.step}"
        self._display.show(place, step.fraction, step.loss, step.losses, last=step.finished)
        if self._options.previews and not step.finished:
            self._write(step.image)

    def _stopped(self, last: Step | None, failure: ServerError | None) -> int:
        """Keeps the picture so far, and says so."""
        if last is None:
            if failure is not None:
                raise failure
            self._display.say("Interrupted before the first picture arrived; nothing was written.")
            return INTERRUPTED
        self._write(last.image)
        so_far = f"the picture so far is in {self._options.output}."
        if failure is None:
            self._display.say(f"Interrupted at step {last.step}: {so_far}")
            return INTERRUPTED
        print(f"tf-style: {failure} Stopped at step {last.step}: {so_far}", file=sys.stderr)
        return _FAILED

    def _finish(self, painting: Levels) -> int:
        self._write(painting)
        self._display.say(f"Wrote {self._options.output} ({time.monotonic() - self._started:.0f} s).")
        return 0

    def _write(self, painting: Levels) -> None:
        """Writes the painting with the content's alpha."""
        height, width, _ = painting.shape
        alpha = images.resize(self._picture, (height, width)).alpha
        pixels = images.to_float(painting)
        images.write_image(self._options.output, pixels, alpha=alpha, quality=self._options.quality)


def _connect(options: RequestOptions) -> Any:
    """Makes the client for gRPC or REST."""
    files = (options.ca_file, options.cert_file, options.key_file)
    arguments: dict[str, Any] = {
        "model_name": options.model_name,
        "model_version": options.model_version or None,
        "version_label": options.version_label,
        "deadline": options.deadline or None,
        "tls": Certificates(*files) if options.tls else None,
    }
    return (RestClient if options.rest else Client)(options.server, **arguments)


def _reduced(picture: images.Picture, long_side: int) -> images.Picture:
    """The picture with its long side at most `long_side` pixels, unless its short side would fall below 32."""
    long_side = max(long_side, -(-images.MIN_SIDE * max(picture.size) // min(picture.size)))
    return images.resize(picture, images.fit_size(picture.size, min(long_side, max(picture.size))))


def _stylize(client: Any, options: RequestOptions, content: Levels, styles: Styles) -> Levels:
    return client.stylize(content, styles[0], signature=options.signature, **options.given)


def _stylize_encoded(client: Any, options: RequestOptions, content: Levels, styles: Styles) -> Levels:
    height, width, _ = content.shape
    return client.stylize_encoded(content, client.encode_style(styles[0], (height, width)), **options.given)


def _stylize_blended(client: Any, options: RequestOptions, content: Levels, styles: Styles) -> Levels:
    if "style_blend" not in client.metadata().get("stylize_encoded", {}).get("inputs", {}):
        raise ConfigError(
            f"The model {options.model_name} takes one style; give one, or export a network for any style, for example "
            "with --preset=instant."
        )
    height, width, _ = content.shape
    codes = [client.encode_style(style, (height, width)) for style in styles]
    shares = options.style_blend or None
    return client.stylize_encoded(content, np.concatenate(codes, 1), style_blend=shares, **options.given)


def _stylize_bytes(client: Any, options: RequestOptions, content: Levels, styles: Styles) -> Levels:
    style = styles[0] if isinstance(styles[0], str) else images.encode_png(styles[0])
    return _decoded(client.stylize_bytes(images.encode_png(content), style), options)


def _stylize_text(client: Any, options: RequestOptions, content: Levels, styles: Styles) -> Levels:
    inputs = {"content_bytes": [images.encode_png(content)], "style_text": [str(styles[0]).encode()]}
    answer = client.predict("stylize_text", inputs)
    return _decoded(answer["image_bytes"][0], options)


def _decoded(file: bytes, options: RequestOptions) -> Levels:
    try:
        return images.decode_uint8(file)
    except images.ImageError as error:
        raise ServerError(options.server, "DATA_LOSS", str(error)) from None


_PAINTERS = {
    "stylize": _stylize,
    "serving_default": _stylize,
    "stylize_encoded": _stylize_encoded,
    "stylize_bytes": _stylize_bytes,
    "stylize_text": _stylize_text,
}
