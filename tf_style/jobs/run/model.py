"""The model that paints: which one, why, and where it runs."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import tensorflow as tf

from tf_style import images
from tf_style.build import (
    BackboneChoice,
    Guides,
    Network,
    NetworkChoice,
    build_objective,
    build_stylizer,
    choose_backbone,
    choose_network,
    with_jit_compile,
)
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.run.inputs import Inputs
from tf_style.jobs.run.record import peak_memory
from tf_style.stylizers import FeedForwardStylizer, PyramidStylizer
from tf_style.version import versions


def choose_model(config: StylizeConfig, *, quiet: bool) -> BackboneChoice | NetworkChoice:
    """Chooses the network or backbone for a config; loads nothing.

    Raises:
      NetworkError: There is no such network.
    """
    if quiet:
        keras.utils.disable_interactive_logging()  # Keras's downloads print to standard output
    return choose_network(config) if config.network else choose_backbone(config)


def load_stylizer(
    config: StylizeConfig,
    guides: Guides | None = None,
    backbone: keras.Model | None = None,
    network: Network | None = None,
) -> PyramidStylizer | FeedForwardStylizer:
    """Makes the stylizer, such that the same command gives the same bytes.

    Args:
      config: All options.
      guides: The masks and colours that the stylizer takes.
      backbone: A loaded backbone; default: load it.
      network: A loaded `init_network`; default: load it, if the config needs it.

    Raises:
      NetworkError, ValueError, WeightsError: See `build_stylizer`.
    """
    if tf.config.list_physical_devices("GPU"):  # on CPUs the bytes are the same without it
        tf.config.experimental.enable_op_determinism()
    return build_stylizer(with_jit_compile(config), backbone, network, guides=guides or Guides())


def guides_of(inputs: Inputs) -> Guides:
    """The guides that a run's pictures call for."""
    colors, masks = inputs.colors, inputs.masks
    return Guides(masks.num_regions, masks.keep is not None, None if colors is None else picture_tensor(colors))


def picture_tensor(picture: images.Picture) -> tf.Tensor:
    """A picture in the form that stylizers take for styles and colours: [1, h, w, 3], or 4 with an alpha."""
    return tf.constant(images.with_own_alpha(picture)[None])


def model_headline(config: StylizeConfig, choice: BackboneChoice | NetworkChoice) -> str:
    """Says which model paints, why, and where it runs."""
    gpus = tf.config.list_physical_devices("GPU")
    device = f"{len(gpus)} GPU" if gpus else "CPU"
    kind = "Network" if config.network else "Backbone"
    seeded = config.init == "network" and not config.network
    start = f" The network {config.init_network} paints the start." if seeded else ""
    return f"{kind} {choice.name} in {choice.compute_dtype} on {device} ({choice.reason}).{start}"


def run_record(
    config: StylizeConfig,
    files: StylizeFiles,
    preset: str,
    choice: BackboneChoice | NetworkChoice,
    guides: Guides | None = None,
) -> dict[str, Any]:
    """The start of every record: settings, model, devices, versions, and the peak memory so far."""
    return {
        "preset": preset,
        "settings": dataclasses.asdict(config),
        "files": dataclasses.asdict(files),
        **model_record(config, choice, guides),
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "versions": versions(),
        "peak_memory_bytes": peak_memory(),
    }


def model_record(
    config: StylizeConfig, choice: BackboneChoice | NetworkChoice, guides: Guides | None = None
) -> dict[str, Any]:
    """The model, for the record."""
    if config.network:
        return {"network": dataclasses.asdict(choice)}
    return {"backbone": dataclasses.asdict(choice), "objective": repr(build_objective(config, guides or Guides()))}
