"""Pictures painted by a pool of processes.

Shows: processes are started with "spawn", never forked, because a process that is forked after TensorFlow started
hangs. Each loads one model and keeps it; the main process loads no TensorFlow at all.

    python examples/worker_pool.py --output_dir=painted
"""

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import tf_style

PICTURES = Path(__file__).parent / "pictures"
PHOTOS = ("lighthouse.jpg", "mountain_lake.jpg")


def paint(photo: str, size: int, output_dir: Path) -> Path:
    """Paints one photo; runs in a process of the pool."""
    painting = tf_style.stylize(PICTURES / photo, PICTURES / "great_wave.jpg", preset="instant", size=size)
    path = output_dir / Path(photo).with_suffix(".png").name
    tf_style.write_image(path, painting.numpy())
    return path


def main() -> None:
    """Paints the photographs in the style of the Great Wave, each in a process of its own."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--size", type=int, default=256, help="long side of the paintings, pixels")
    parser.add_argument("--num_workers", type=int, default=2, help="processes")
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.num_workers, context) as pool:
        jobs = [pool.submit(paint, photo, options.size, options.output_dir) for photo in PHOTOS]
        for job in jobs:
            print(f"Wrote {job.result()}", flush=True)


if __name__ == "__main__":
    main()
