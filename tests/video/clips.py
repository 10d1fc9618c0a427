"""Small films, and what is in a film: frames, times, sound."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest

av = pytest.importorskip("av", reason="films need PyAV: pip install 'tf-style[video]'")

RATE = Fraction(24000, 1001)
FULL, LIMITED = 2, 1  # FFmpeg's numbers of ranges
BT709, BT601 = 1, 6


def waves(height, width, place):
    """A picture that moves with `place`, uint8 [H, W, 3]."""
    y, x = np.mgrid[:height, :width]
    channels = [np.sin((x + 2 * place) / 9), np.sin((y - place) / 7), np.cos((x + y + place) / 11)]
    return np.rint(127.5 + 100 * np.stack(channels, -1)).astype(np.uint8)


def make_clip(
    path,
    times=range(10),
    size=(48, 64),
    *,
    pictures=waves,
    rate=RATE,
    pixel_format="yuv420p",
    codec="libx264",
    tags=(LIMITED, 1, 1, BT709),
    rotation=0,
    sounds=("aac",),
    pixel_aspect=1,
    title="A clip",
):
    """Writes a film with frames at these times (in frames), and with tones."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        stream = container.add_stream(codec, rate=rate, options={"crf": "8"} if codec.startswith("lib") else {})
        context = stream.codec_context
        context.height, context.width = size
        context.pix_fmt, context.time_base, context.sample_aspect_ratio = pixel_format, 1 / rate, pixel_aspect
        context.color_range, context.color_primaries, context.color_trc, context.colorspace = tags
        if rotation:
            stream.set_display_rotation(rotation)
        tracks = [container.add_stream(sound, rate=48000) for sound in sounds]
        for track in tracks:
            track.codec_context.layout = "stereo"
        for place, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(pictures(*size, place), format="rgb24")
            matrix = 5 if tags[3] == BT601 else 1
            frame = frame.reformat(
                format=pixel_format, dst_colorspace=matrix, src_color_range=FULL, dst_color_range=tags[0]
            )
            frame.pts, frame.time_base = time, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for number, track in enumerate(tracks):
            _tone(container, track, 300 * (number + 1), float((max(times) + 1) / rate))


def _tone(container, track, pitch, seconds):
    samples = np.sin(2 * np.pi * pitch * np.arange(int(48000 * seconds)) / 48000).astype(np.float32)
    for start in range(0, len(samples) - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(np.stack([samples[start : start + 1024]] * 2), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        container.mux(track.encode(frame))
    container.mux(track.encode())


def frames_of(path):
    """All frames: RGB, and times in seconds."""
    from tf_style.video import read_frames, read_info

    info = read_info(path)
    found = list(read_frames(info))
    return [frame.pixels for frame in found], [frame.time * info.time_base for frame in found]


def sounds_of(path):
    """A digest of each sound track's packets, and how long it is in seconds."""
    with av.open(str(path)) as container:
        digests = {stream.index: (hashlib.md5(), []) for stream in container.streams.audio}
        for packet in container.demux(container.streams.audio) if digests else ():
            if packet.size:
                digest, times = digests[packet.stream.index]
                digest.update(bytes(packet))
                times.append(packet.pts * packet.time_base)
        return [(digest.hexdigest(), float(max(times) - min(times))) for digest, times in digests.values()]
