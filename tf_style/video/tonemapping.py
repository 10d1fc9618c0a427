"""Reads HDR (PQ, HLG) in SDR, by FFmpeg's scaler."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tf_style.video.errors import load_av
from tf_style.video.info import VideoInfo

_UNSPECIFIED, _BT2020, _LIMITED = 2, 9, 1  # FFmpeg's numbers
# Perceptual: brightness is compressed smoothly, up to the peak that the film names, and colours that BT.709 lacks are
# brought inside (ffmpeg.org/ffmpeg-filters.html#scale).
_SCALE = (
    "{width}:{height}:out_primaries=bt709:out_transfer=bt709:out_range=full:intent=perceptual"
    ":flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
)


class ToneMapper:
    """Turns a film's frames, as FFmpeg decodes them, into RGB of 8 bits, [H, W, 3], in BT.709.

    The first one takes seconds, in which FFmpeg makes its table of colours.

    Args:
      info: The film, with its `hdr`.
      size: (height, width) of the new frames.
    """

    def __init__(self, info: VideoInfo, size: tuple[int, int]) -> None:
        self._tags, self._time_base, self._size = info.hdr or info.tags, info.time_base, size
        self._graph: Any = None
        self._form: tuple[int, int, str] | None = None

    def __call__(self, frame: Any) -> np.ndarray:
        """The frame in SDR."""
        _, primaries, transfer, _ = self._tags
        frame.color_trc = transfer
        frame.color_primaries = _BT2020 if primaries == _UNSPECIFIED else primaries
        form = frame.width, frame.height, frame.format.name
        if form != self._form:
            self._form, self._graph = form, self._graph_for(*form)
        self._graph.push(frame)
        return self._graph.pull().to_ndarray()

    def _graph_for(self, width: int, height: int, pixels: str) -> Any:
        graph = load_av().filter.Graph()
        color_range, *_, matrix = self._tags
        matrix = _BT2020 if matrix == _UNSPECIFIED else matrix
        source = f"video_size={width}x{height}:pix_fmt={pixels}:time_base={self._time_base}"
        steps = (
            ("buffer", f"{source}:colorspace={matrix}:range={color_range or _LIMITED}"),
            # It differs from frame to frame, and for each the table would be made anew.
            ("sidedata", "mode=delete:type=DYNAMIC_HDR_PLUS"),
            ("scale", _SCALE.format(height=self._size[0], width=self._size[1])),
            ("format", "rgb24"),
            ("buffersink", None),
        )
        filters = [graph.add(name, arguments) for name, arguments in steps]
        for one, other in itertools.pairwise(filters):
            one.link_to(other)
        graph.configure()
        return graph
