"""Looks for the shots of a film and paints nothing: `tf-style video --content=clip.mp4 --shots_output=shots.csv`."""

from __future__ import annotations

from tf_style.config import VideoFiles
from tf_style.jobs.film.shots import write_shots
from tf_style.jobs.film.source import Source
from tf_style.jobs.run.inputs import check_outputs, check_writable
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.video import choose_output


def list_shots(files: VideoFiles) -> int:
    """Writes the file of shots; returns the exit status, 0.

    Raises:
      ConfigError, MotionError, VideoError: What was given cannot be used.
    """
    check_outputs(files, (files.content,), ("shots_output",))
    check_writable("shots_output", files.shots_output)
    source = Source(files, choose_output("any.mkv"))
    display = ProgressDisplay(quiet=files.quiet)
    for number, _ in enumerate(source.frames(), 1):
        display.show(f"frame {number}", min(1.0, number / source.num_frames), 0.0, {}, last=False)
    display.close()
    write_shots(files.shots_output, files.content, source.found)
    display.say(
        f"Wrote {files.shots_output}: {len(source.found)} shots; to paint them, give --shots={files.shots_output}."
    )
    return 0
