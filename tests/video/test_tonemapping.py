"""HDR in SDR."""

import dataclasses

import numpy as np
import pytest

from tests.video.clips import LIMITED, make_clip
from tests.video.copies import copied
from tf_style.video import read_frames, read_info

PQ, HLG = 16, 18
RAMP = (0, 64, 148, 180, 191, 255)  # of signals; 148 is white paper in PQ (203 nits), 191 in HLG


def greys_and_red(height, width, place):
    frame = np.repeat(np.array(RAMP, np.uint8), 10)[None, :, None].repeat(height, 0).repeat(3, 2)
    red = np.broadcast_to(np.array([160, 90, 50], np.uint8), (height, width - frame.shape[1], 3))
    return np.concatenate([frame, red], 1)


@pytest.mark.parametrize(("transfer", "white"), [(PQ, 2), (HLG, 4)])
def test_hdr_becomes_bt709_of_8_bits(tmp_path, transfer, white):
    make_clip(
        tmp_path / "hdr.mp4", range(2), pictures=greys_and_red, pixel_format="yuv420p10le",
        tags=(LIMITED, 9, transfer, 9), size=(48, 64),
    )  # fmt: skip
    info = copied(tmp_path / "hdr.mp4", tmp_path / "sdr.mp4", tonemap=True)
    assert (info.bits, info.tags, info.hdr) == (8, (LIMITED, 1, 1, 1), (LIMITED, 9, transfer, 9))
    after = read_info(tmp_path / "sdr.mp4")
    assert (after.bits, after.tags) == (8, (LIMITED, 1, 1, 1))
    picture = next(read_frames(after)).pixels.astype(int)
    greys = picture[24, 5:60:10]
    assert np.ptp(greys, axis=1).max() <= 6  # grey stays grey
    levels = greys.mean(1)
    assert (np.diff(levels) > 5).all()  # nothing is cut off
    assert levels[0] <= 12
    assert levels[-1] >= 245
    assert 145 <= levels[white] <= 190  # white paper is bright, with room for lights above it
    red, signal = picture[24, 62], (160, 90, 50)
    assert np.ptp(red) > np.ptp(signal)  # the same colour needs stronger values in the smaller room


def test_sdr_is_read_as_before(tmp_path):
    make_clip(tmp_path / "clip.mp4", range(2))
    plain, mapped = read_info(tmp_path / "clip.mp4"), read_info(tmp_path / "clip.mp4", tonemap=True)
    assert dataclasses.asdict(plain) == dataclasses.asdict(mapped)
