"""Exports a stylizer as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tf_style.build import build_backbone, build_feed_forward, build_optimization, choose_backbone, choose_network
from tf_style.config import ConfigError, ExportOptions, StylizeConfig
from tf_style.serving.export.card import newest_version, write_card
from tf_style.serving.export.guards import MIN_SIDE, Limits
from tf_style.serving.export.network_signatures import ServedNetwork
from tf_style.serving.export.signatures import ServedStylizer
from tf_style.serving.export.warm_up_requests import optimization_requests, write_warm_up
from tf_style.version import versions
from tf_style.words.library import StyleLibrary


def export_model(
    config: StylizeConfig,
    folder: str | os.PathLike[str],
    *,
    preset: str = "",
    limits: Limits | None = None,
    warm_up_sizes: tuple[int, ...] = (256,),
    image_format: str = "png",
    library: StyleLibrary | None = None,
) -> Path:
    """Exports the stylizer of a config as the next version in a folder, completely or not at all.

    Args:
      config: All options. `size` is the longest side that `stylize_bytes` paints; larger pictures are reduced to it.
        The other signatures paint pictures at their own size.
      folder: Holds the versions (1/, 2/, ...); made if missing.
      preset: The preset's name, for the card.
      limits: The most a request may ask for; default: as in `ExportOptions`.
      warm_up_sizes: Sides of the square pictures in the warm-up requests.
      image_format: Format of the files that `stylize_bytes` writes, "png" or "jpeg".
      library: Pictures for the signature `stylize_text`, which takes words; they become part of the model. For networks
        for any style.

    Returns:
      The version's folder.

    Raises:
      ConfigError: An option cannot be served, or a limit is below the preset's own values.
      WeightsError: The backbone's weights are missing or do not fit.
      OSError: The folder cannot be written.

    Example:
      >>> export_model(preset_config("fine"), "models/tf_style")
    """
    if library is not None:
        _check_words(config)
    limits = limits or Limits(ExportOptions.max_pixels, ExportOptions.max_steps, ExportOptions.max_batch)
    _check(config, limits, warm_up_sizes)
    config = _resolved(config)
    base = Path(folder)
    base.mkdir(parents=True, exist_ok=True)
    # Not a number, so that a server watching the folder does not load a half-written version.
    temporary = Path(tempfile.mkdtemp(prefix=".export-", dir=base))
    try:
        served, requests = _served(config, limits, image_format, library)
        signatures = served.signatures()
        for name, function in signatures.items():
            setattr(served, name, function)  # the module must hold what it exports
        tf.saved_model.save(served, str(temporary), signatures=signatures)
        write_warm_up(temporary, list(requests(warm_up_sizes, signatures)))
        card = _card(config, limits, temporary, signatures)
        write_card(temporary, {**card, "preset": preset, "image_format": image_format})
        temporary.chmod(0o755)  # the server may run as another user, for whom mkdtemp's folders are closed
        return _publish(temporary, base)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _resolved(config: StylizeConfig) -> StylizeConfig:
    """The config with every "auto" resolved."""
    if config.matches_colors:
        config = config.replace(color_stage="after")
    if config.network:
        return config.replace(compute_dtype=choose_network(config).compute_dtype)
    choice = choose_backbone(config)
    return config.replace(backbone=choice.name, weights=choice.weights, compute_dtype=choice.compute_dtype)


def _served(config: StylizeConfig, limits: Limits, image_format: str, library: StyleLibrary | None) -> tuple[Any, Any]:
    """The module to save, and the function that makes its warm-up requests."""
    if config.network:
        network = ServedNetwork(build_feed_forward(config), config, limits, image_format, library)
        return network, network.warm_up_requests
    backbone = build_backbone(config)
    stylizer = build_optimization(config, backbone)
    return ServedStylizer(stylizer, backbone, config, limits, image_format), optimization_requests


def _publish(temporary: Path, base: Path) -> Path:
    """Gives the finished folder the next number."""
    while True:
        newest = newest_version(base)
        version = base / str(1 if newest is None else int(newest.name) + 1)
        try:
            temporary.rename(version)
            return version
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # else another export was faster
                raise


def _check(config: StylizeConfig, limits: Limits, warm_up_sizes: tuple[int, ...]) -> None:
    if config.jit_compile is True:
        raise ConfigError("jit_compile cannot be served, because TensorFlow Serving disables XLA; leave it out.")
    if len(config.style_blend) > 1:
        raise ConfigError("style_blend is for several styles, but a request has only one; leave it out.")
    if config.clip_text:
        raise ConfigError("Words through CLIP are for the command line and tf_style.stylize; leave clip_text out.")
    if config.tileable:
        raise ConfigError("tileable is for the command line and tf_style.stylize, and cannot be served; leave it out.")
    if config.color_stage == "before":
        raise ConfigError(
            "color_stage=before cannot be served, because styles are encoded without a content; use color_stage=after."
        )
    if config.scaled_style_weight == 0 and not config.network:
        raise ConfigError("style_weight is 0, but a served model needs a style; give it a weight.")
    most = max(config.num_steps, config.first_steps)
    if limits.max_steps < most and not config.network:
        raise ConfigError(f"max_steps is {limits.max_steps}, but the preset takes {most}; give at least that.")
    if isinstance(config.size, str):
        raise ConfigError(f"size is the box {config.size}, but a served model needs a long side in pixels; give that.")
    if config.size**2 > limits.max_pixels:
        raise ConfigError(f"size {config.size} may need {config.size**2} pixels; raise max_pixels or lower size.")
    for side in warm_up_sizes:
        if side < MIN_SIDE or side**2 > limits.max_pixels:
            raise ConfigError(
                f"warm_up_sizes holds {side}, but a side must have at least {MIN_SIDE} and its square at most "
                f"max_pixels={limits.max_pixels} pixels."
            )


def _check_words(config: StylizeConfig) -> None:
    if not config.network:
        raise ConfigError("Words are for networks for any style; give --preset=instant, or leave --words out.")
    if choose_network(config).card.get("styles"):
        raise ConfigError(
            f"Words find pictures, but network={config.network} knows its own styles only; give --network=arbitrary, "
            "or leave --words out."
        )


def _card(config: StylizeConfig, limits: Limits, version: Path, signatures: Iterable[str]) -> dict[str, Any]:
    settings = dataclasses.asdict(config)
    for name in ("weights", "init_network"):  # a path on this machine says nothing elsewhere
        settings[name] = os.path.basename(settings[name])
    if config.network:
        network = choose_network(config)
        settings["network"] = os.path.basename(config.network)
        model: dict[str, Any] = {"network": {**network.card, "name": os.path.basename(network.name)}}
    else:
        model = {"backbone": config.backbone, "optimizer": config.optimizer}
    return {
        **model,
        "compute_dtype": config.compute_dtype,
        "config": settings,
        "size": config.size,
        "limits": {"min_side": MIN_SIDE, **dataclasses.asdict(limits)},
        "versions": versions(),
        "signatures": _signatures(version, signatures),
    }


def _signatures(version: Path, names: Iterable[str]) -> dict[str, dict[str, dict[str, str]]]:
    """Inputs and outputs of signatures as text: name -> "uint8 [?, ?, ?, 3]".

    From the file: what is saved was traced for it alone, so asking the functions would trace them once more.
    """
    model = saved_model_pb2.SavedModel.FromString((version / "saved_model.pb").read_bytes())
    found = {name: model.meta_graphs[0].signature_def[name] for name in names}
    return {name: {"inputs": _tensors(one.inputs), "outputs": _tensors(one.outputs)} for name, one in found.items()}


def _tensors(described: Mapping[str, Any]) -> dict[str, str]:
    shapes = {name: tf.TensorShape(tensor.tensor_shape) for name, tensor in described.items()}
    sides = {name: ", ".join("?" if side is None else str(side) for side in shape) for name, shape in shapes.items()}
    return {name: f"{tf.as_dtype(tensor.dtype).name} [{sides[name]}]" for name, tensor in described.items()}
