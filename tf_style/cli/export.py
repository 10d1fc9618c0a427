"""`tf-style export`: a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tf_style.cli import flags
from tf_style.config import ConfigError, ExportOptions, StylizeConfig
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.serving.export.card import megabytes

_USAGE = """usage: tf-style export --output=DIR [--preset=NAME] [--flag=value ...]

Writes DIR/<next version>/, a SavedModel for TensorFlow Serving, tf-style serve and tf.saved_model.load."""
FLAGS = flags.Flags((ExportOptions, StylizeConfig), flags.PRESET)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    given = flags.parse("export", FLAGS, argv)
    config, options, preset, _ = flags.stylization(given, ExportOptions)
    output = Path(options.output)
    existing = next(path for path in (output.absolute(), *output.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(f"--output={output} cannot be written at {existing}; give another folder.")
    started = time.monotonic()
    with quiet_tensorflow():  # only now that the flags are checked
        from tf_style.serving.export.guards import Limits
        from tf_style.serving.export.saved_model import export_model
        from tf_style.words.library import StyleLibrary

        limits = Limits(options.max_pixels, options.max_steps, options.max_batch)
        sizes = tuple(int(size) for size in options.warm_up_sizes)
        version = export_model(
            config,
            output,
            preset=preset,
            limits=limits,
            warm_up_sizes=sizes,
            image_format=options.image_format,
            library=StyleLibrary.open(options.style_library) if options.words else None,
        )
    print(f"Wrote {version} ({megabytes(version):.0f} MB, {time.monotonic() - started:.0f} s).")
    print(f"Serve it: tf-style serve --model_base_path={output.absolute()}, or TensorFlow Serving (serving/README.md).")
    return 0
