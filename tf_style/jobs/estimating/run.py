"""Estimates what a run will take, from real steps at small sizes or on one tile."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.large.inputs import disk_bytes, large_size, read_large_inputs, tile_side, whole_pixels
from tf_style.jobs.run.inputs import read_inputs
from tf_style.jobs.run.quiet import quiet_tensorflow

if TYPE_CHECKING:
    from tf_style.jobs.estimating.probes import Probes


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a run will take.

    `size` is (height, width) of the result, `scales` that of each scale, coarse to fine, and `steps` their numbers of
    steps. Scales from `first_tiled` on are painted in tiles. `seconds` is the time of the whole command, `step_seconds`
    that of a step at full size. `memory_bytes` is the process's peak, `disk_bytes` the space used while it runs.
    """

    model: str
    size: tuple[int, int]
    scales: tuple[tuple[int, int], ...]
    steps: tuple[int, ...]
    first_tiled: int
    seconds: float
    step_seconds: float
    memory_bytes: int
    disk_bytes: int


def run(config: StylizeConfig, files: StylizeFiles, *, started: float, say: Callable[[str], None]) -> int:
    """Estimates a run with these options, prints the estimate, and writes it as JSON if asked to.

    Args:
      config: All options.
      files: The run's files; only `json` is written.
      started: When the command began, by `time.monotonic`.
      say: Prints a line.

    Returns:
      The exit status, 0.

    Raises:
      ImageError, ConfigError, WeightsError, NetworkError: As in the run itself.
    """
    estimate = make_estimate(config, files, started=started)
    for line in describe(estimate, config):
        say(line)
    if files.json:
        from tf_style.jobs.run.record import write_record

        write_record(Path(files.json), dataclasses.asdict(estimate))
    return 0


def make_estimate(config: StylizeConfig, files: StylizeFiles, *, started: float) -> Estimate:
    """Measures and returns the estimate; arguments as for `run`."""
    if files.manifest:
        raise ConfigError("--manifest lists many pictures, but an estimate is for one; give --content and --style.")
    large, names = large_size(config, files), tuple[str, ...]()
    if large is not None:
        styles, size = read_large_inputs(config, files, large).styles, large
    else:
        inputs = read_inputs(config, files)
        styles, names, size = inputs.styles, inputs.style_names, inputs.content.size
    with quiet_tensorflow():
        from tf_style.jobs.estimating.probes import Probes

        probes = Probes(config, files, size, styles, names)
    return _measured(config, files, size, probes, started)


def _measured(
    config: StylizeConfig, files: StylizeFiles, size: tuple[int, int], probes: Probes, started: float
) -> Estimate:
    large = large_size(config, files) is not None
    plan = probes.plan(whole_pixels(config) if large else size[0] * size[1])
    loaded = time.monotonic() - started
    whole = plan.sizes[: plan.first_tiled]
    seconds, step_seconds = loaded, 0.0
    if whole:
        curve = probes.whole(whole[-1])
        seconds += curve.first_seconds
        for steps, area in zip(plan.steps, map(_area, whole), strict=False):
            seconds += curve.begin_at(area) + steps * curve.at(area)
        step_seconds = curve.at(_area(whole[-1]))
        memory = curve.memory_at(_area(whole[-1]))
    else:
        memory = probes.peak_bytes()
    for steps, scale in zip(plan.steps[plan.first_tiled :], plan.sizes[plan.first_tiled :], strict=True):
        tiled = probes.tiled(scale, tile_side(config))
        seconds += tiled.first_seconds + tiled.prepare_seconds + steps * tiled.step_seconds
        step_seconds, memory = tiled.step_seconds, max(memory, probes.peak_bytes() + probes.strip_bytes(scale))
    seconds += probes.write_seconds(size, large)
    return Estimate(
        model=probes.model,
        size=size,
        scales=plan.sizes,
        steps=plan.steps,
        first_tiled=plan.first_tiled,
        seconds=seconds,
        step_seconds=step_seconds,
        memory_bytes=int(memory),
        disk_bytes=disk_bytes(config, files, size) if large else 0,
    )


def describe(estimate: Estimate, config: StylizeConfig) -> list[str]:
    """Describes an estimate in a few lines."""
    height, width = estimate.size
    count = len(estimate.scales)
    tiled = count - estimate.first_tiled
    lines = [estimate.model, f"size    {width} x {height} pixels"]
    if not config.network:
        coarse = "x".join(map(str, reversed(estimate.scales[0])))
        tiles = f", {tiled} of them in tiles of {tile_side(config)} pixels" if tiled else ""
        lines.append(f"scales  {count}, from {coarse}{tiles}")
        lines.append(f"steps   {sum(estimate.steps)}, {estimate.step_seconds:.3g} s each at full size")
    elif tiled:
        lines.append(f"tiles   of {tile_side(config)} pixels")
    lines.append(f"time    {_duration(estimate.seconds)}")
    lines.append(f"memory  {estimate.memory_bytes / 1e9:.1f} GB")
    if estimate.disk_bytes:
        lines.append(f"disk    {estimate.disk_bytes / 1e9:.1f} GB while it runs")
    return lines


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
