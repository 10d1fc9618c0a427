"""A camera, painted live.

Shows: `stylize_frames` paints any endless source of frames, one after the other. A thread reads the camera and keeps
only the newest frame, so that a slow machine shows fewer frames, but never old ones. A network of named styles and flow
at half size are the fastest. The window is Tk's, which comes with Python; q or Escape closes it. Needs
`pip install 'tf-style[video]'`.

    python examples/webcam.py
    python examples/webcam.py --camera=clip.mp4 --network=arbitrary --style=painting.jpg
    python examples/webcam.py --output_dir=painted        no window: the latest painting is painted/webcam.png
"""

import argparse
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import tf_style


class Camera:
    """The frames of a camera, or of a film at its own pace. Those that come while nobody asks are dropped."""

    def __init__(self, source: str) -> None:
        self._is_camera = source.isdigit()
        self._capture = cv2.VideoCapture(int(source) if self._is_camera else source)
        if not self._capture.isOpened():
            raise SystemExit(f"There is no camera or film {source}; give another number, or a file: --camera=clip.mp4.")
        self._newest: queue.Queue[np.ndarray | None] = queue.Queue(maxsize=1)
        self.dropped = 0

    def __iter__(self) -> Iterator[np.ndarray]:
        """Uint8 [H, W, 3], RGB; ends with the film."""
        threading.Thread(target=self._read, daemon=True).start()
        while (frame := self._newest.get()) is not None:
            yield frame

    def _read(self) -> None:
        pause = 0.0 if self._is_camera else 1.0 / (self._capture.get(cv2.CAP_PROP_FPS) or 25.0)
        found, frame = self._capture.read()
        while found:
            with contextlib.suppress(queue.Empty):
                self._newest.get_nowait()
                self.dropped += 1
            self._newest.put(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
            time.sleep(pause)
            found, frame = self._capture.read()
        self._newest.put(None)


def window() -> Callable[[Image.Image, str], bool]:
    """Opens a window; returns what shows a picture and a title in it, and says whether it is still open."""
    import tkinter

    from PIL import ImageTk

    root = tkinter.Tk()
    label = tkinter.Label(root)
    label.pack()
    closed = threading.Event()
    for event in ("<q>", "<Escape>"):
        root.bind(event, lambda _: closed.set())
    root.protocol("WM_DELETE_WINDOW", closed.set)

    def show(picture: Image.Image, title: str) -> bool:
        label.image = ImageTk.PhotoImage(picture)  # type: ignore[attr-defined]  # Tk does not keep it
        label.configure(image=label.image)  # type: ignore[attr-defined]
        root.title(title)
        root.update()
        return not closed.is_set()

    return show


def file(folder: Path) -> Callable[[Image.Image, str], bool]:
    """Returns what writes a picture there, and says that it goes on."""
    folder.mkdir(parents=True, exist_ok=True)

    def show(picture: Image.Image, title: str) -> bool:
        picture.save(folder / "webcam.png")
        print(title, flush=True)
        return True

    return show


def main() -> None:
    """Paints what the camera sees until the window is closed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--camera", default="0", help="number of a camera, or a film")
    parser.add_argument("--style", default="starry_night", help="a style that the network knows, or a painting")
    parser.add_argument("--network", default="many_styles", help="many_styles; arbitrary paints in any style, slower")
    parser.add_argument("--size", type=int, default=480, help="long side, pixels")
    parser.add_argument("--output_dir", type=Path, help="write the latest painting here instead of showing it")
    options = parser.parse_args()

    camera = Camera(options.camera)
    show = file(options.output_dir) if options.output_dir else window()
    paintings = tf_style.stylize_frames(
        camera, options.style, network=options.network, size=options.size, flow="dis_fast_half"
    )
    rate, before = 0.0, time.monotonic()
    for painting in paintings:
        now = time.monotonic()
        rate += (1.0 / (now - before) - rate) * (0.1 if rate else 1.0)
        before = now
        title = f"{rate:.1f} frames a second, {camera.dropped} dropped"
        if not show(Image.fromarray(np.rint(255.0 * painting).astype(np.uint8)), title):
            break


if __name__ == "__main__":
    main()
