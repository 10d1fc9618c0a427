"""Films by optimisation: gone on with after a crash, to the same bytes."""

import numpy as np
import pytest

from tests import command
from tests.materials import QUICK
from tests.video.clips import frames_of, make_clip
from tf_style.cli.main import main
from tf_style.controls import OWN
from tf_style.frames import OptimizingPainter
from tf_style.jobs.film import run as job
from tf_style.motion import warp_error

PAINT = [
    "video", "--content=clip.mkv", "--style=style.jpg", "--preset=draft", "--lags=1,2",
    *(f"--{name}={','.join(value) if isinstance(value, tuple) else value}" for name, value in QUICK.items()),
]  # fmt: skip


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "_PART", 2)
    make_clip("clip.mkv", range(6), (40, 48), rotation=90)
    command.write_picture(tmp_path / "style.jpg", 50, 40, seed=1)
    return tmp_path


def test_a_crash_costs_a_part(there, monkeypatch, capfd):
    assert main([*PAINT, "--output=whole.mp4"]) == 0
    assert "Backbone compact_vgg19" in capfd.readouterr().err
    paint, painted = OptimizingPainter.paint, []

    def crashes(self, frame, masks=None, controls=OWN):
        painted.append(frame)
        if len(painted) == 5:
            raise RuntimeError
        return paint(self, frame, masks, controls)

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(OptimizingPainter, "paint", crashes)
        main([*PAINT, "--output=crashed.mp4"])
    assert not (there / "crashed.mp4").exists()
    assert main([*PAINT, "--output=crashed.mp4"]) == 0
    assert "Goes on after frame 4." in capfd.readouterr().err
    assert (there / "crashed.mp4").read_bytes() == (there / "whole.mp4").read_bytes()


def test_calmer_than_each_frame_alone(there):
    """Figures of real films are in benchmarks/FILM.md."""
    films = {}
    for consistency in (0, 1):
        flags = ["--num_steps=20", f"--consistency={consistency}", f"--output={consistency}.mp4"]
        assert main([*PAINT, *flags, "--quiet"]) == 0
        films[consistency] = [frame.astype(np.float32) / 255.0 for frame in frames_of(f"{consistency}.mp4")[0]]
    source = [frame.astype(np.float32) / 255.0 for frame in frames_of("clip.mkv")[0]]
    assert warp_error(films[1], source) < 0.5 * warp_error(films[0], source)
