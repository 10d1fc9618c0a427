"""Films written as they are."""

from tf_style.video import Part, choose_output, read_frames, read_info


def copied(source, output, *, part=4, codec="auto", start=0.0, end=0.0, **options):
    """Writes a film of any kind as it is, in parts, which lie beside it; returns what is known of the source."""
    info, target = read_info(source, **options), choose_output(str(output), codec)
    frames = list(read_frames(info, start=start, end=end))
    parts = []
    for place in range(0, len(frames), part):
        parts.append(Part(output.with_name(f"{output.stem.replace('%', '')}{place}.part"), frames[place].time))
        with target.writer(parts[-1].path, info, frames[0].pixels.shape[:2], place) as writer:
            for frame in frames[place : place + part]:
                writer.add(frame.pixels, frame.time)
    target.join(parts, info, start=start, end=end)
    return info
