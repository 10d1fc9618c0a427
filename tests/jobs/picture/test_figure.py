"""The figure of a run: the same run gives the same bytes."""

import numpy as np
import pytest

from tf_style.jobs.picture.figure import write_figure


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_bytes_each_time(tmp_path, suffix):
    pixels = np.linspace(0, 1, 12 * 16 * 3).reshape(12, 16, 3)
    history = [{"step": step, "loss": 2.0 / step, "style": 1.0 / step} for step in (1, 2, 3)]
    paths = [tmp_path / f"{number}.{suffix}" for number in range(2)]
    for path in paths:
        write_figure(path, pixels, [pixels], pixels, history)
    assert paths[0].read_bytes() == paths[1].read_bytes()
