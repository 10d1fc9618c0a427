"""Commands that only read their flags and start a job, in a table."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from tf_style import config
from tf_style.cli import flags
from tf_style.jobs.run import places


class Command(NamedTuple):
    """A command's usage, the dataclasses its flags fill, the module whose `run` takes them, and flags by position.

    `result` is the word after the content's name in the name of an output that is not given; empty: it must be given.
    """

    usage: str
    options: tuple[type, ...]
    job: str
    positional: tuple[str, ...] = ()
    result: str = ""

    @property
    def flags(self) -> flags.Flags:
        """Its flags, files first."""
        return flags.Flags(self.options[::-1], positional=self.positional)


COMMANDS = {
    "recolor": Command(
        "--content=photo.jpg --color_from=painting.jpg --output=result.png",
        (config.RecolorConfig, config.RecolorFiles),
        "tf_style.jobs.picture.recolor",
        ("content", "color_from", "output"),
        "recolored",
    ),
    "taste": Command("photos/ --profile=me.json", (config.TasteOptions,), "tf_style.jobs.taste.run", ("content",)),
    "prepare": Command(
        "--input_dir=photos --output_dir=records", (config.PrepareConfig,), "tf_style.jobs.preparing.run"
    ),
    "train": Command(
        "--content_dir=photos --style_dir=paintings --output_dir=my_network",
        (config.TrainConfig, config.TrainFiles),
        "tf_style.jobs.training.run",
    ),
    "distill": Command(
        "--picture_dirs=photos,paintings --output_dir=my_backbone",
        (config.DistillConfig, config.DistillFiles),
        "tf_style.jobs.distilling.run",
    ),
    "evaluate": Command(
        "--content=photo.jpg --style=painting.jpg --painting=result.png",
        (config.EvaluateConfig, config.EvaluateFiles),
        "tf_style.jobs.evaluating.run",
    ),
    "doctor": Command("", (config.PrintOptions,), "tf_style.jobs.doctor.run"),
}


def main(name: str, argv: list[str]) -> int:
    """Runs a command of the table; returns the exit status. Raises ValueErrors meant for people."""
    command = COMMANDS[name]
    if flags.asks_for_help(argv):
        usage = " ".join(["usage: tf-style", name, *command.usage.split(), "[--flag=value ...]"])
        print(flags.help_text(usage, command.flags, argv))
        return 0
    given = flags.parse(name, command.flags, argv)
    if command.result and given.get("content"):
        given.setdefault("output", places.default_output(given, given["content"], command.result))
    with places.standard_streams(given):
        filled = {kind: flags.take(kind, given) for kind in command.options}
        job = importlib.import_module(command.job)  # loads TensorFlow only after checking its inputs
        return job.run(*(filled[kind] for kind in command.options))
