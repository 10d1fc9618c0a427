"""Turns a folder of pictures into TFRecords for training: check, shuffle, reduce, write all or nothing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tf_style.config import ConfigError, PrepareConfig
from tf_style.jobs.preparing.pictures import prepare_pictures, shuffled_pictures
from tf_style.jobs.preparing.shards import RECORD_SUFFIXES, ShardWriter, is_shard
from tf_style.jobs.run.inputs import check_writable
from tf_style.jobs.run.interruption import INTERRUPTED, Interruption
from tf_style.jobs.run.progress import ProgressDisplay
from tf_style.jobs.run.quiet import quiet_tensorflow


def run(config: PrepareConfig) -> int:
    """Prepares a folder.

    Args:
      config: All options.

    Returns:
      The exit status: 0, or 130 after an interruption (then nothing was written).

    Raises:
      ConfigError: An option is refused, or no picture can be used; nothing was written.
      WriteError: The files cannot be written.
    """
    source, target = Path(config.input_dir), Path(config.output_dir)
    if not source.is_dir():
        raise ConfigError(f"--input_dir={config.input_dir} is not a folder; give one with pictures.")
    check_writable("output_dir", config.output_dir)
    _check_target(target, config.overwrite)
    names = shuffled_pictures(source, config.seed)
    if not names:
        raise ConfigError(f"--input_dir={config.input_dir} holds no pictures; give another folder.")
    display = ProgressDisplay(quiet=config.quiet)
    with Interruption() as interruption:
        try:
            with ShardWriter(target, config.shard_pictures) as writer:
                try:
                    left_out = _write(writer, source, names, config, display)
                finally:
                    interruption.at_once = False  # move the shards, or clean up, without a break
                if not writer.count:
                    raise ConfigError(
                        f"--input_dir={config.input_dir} holds no usable picture, so nothing was written; "
                        "give another folder."
                    )
                num_shards = writer.finish()
        except KeyboardInterrupt:
            display.say("Interrupted; nothing was written.")
            return INTERRUPTED
        finally:
            display.close()
    display.say(
        f"Wrote {_number(writer.count, 'picture')} in {_number(num_shards, 'file')} to {target}; left out {left_out}."
    )
    return 0


def _write(writer: ShardWriter, source: Path, names: list[str], config: PrepareConfig, display: ProgressDisplay) -> int:
    """Writes the usable pictures; prints why the others are left out, and returns their number."""
    with quiet_tensorflow():
        from tf_style.networks.records import encode_record
    left_out = 0
    for number, prepared in enumerate(prepare_pictures(source, names, config), 1):
        if prepared.refusal:
            left_out += 1
            display.close()
            print(f"Left out: {prepared.refusal.rstrip('.')}.", file=sys.stderr)
        else:
            writer.write(encode_record(prepared.image, os.fsencode(prepared.name), prepared.size))
        display.show(f"picture {number}/{len(names)}", number / len(names), 0.0, {}, last=number == len(names))
    return left_out


def _check_target(target: Path, overwrite: bool) -> None:
    """Raises ConfigError if the folder has TFRecords that must not be replaced."""
    found = (
        sorted(path for path in target.rglob("*") if path.suffix.lower() in RECORD_SUFFIXES) if target.is_dir() else []
    )
    if found and not overwrite:
        raise ConfigError(
            f"--output_dir={target} already holds TFRecords, such as {found[0].name}; give another folder, or "
            "--overwrite to replace them."
        )
    foreign = [path for path in found if path.parent != target or not is_shard(path.name)]
    if foreign:
        raise ConfigError(
            f"--output_dir={target} holds {foreign[0].relative_to(target)}, which tf-style prepare did not write but "
            "training would read; give another folder."
        )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
