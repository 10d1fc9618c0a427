"""Builds a trained network from a config."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tf_style.backbones import Kernels, compact_kernels, resolve_compute_dtype, up_to, vgg_features
from tf_style.config import StylizeConfig
from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
from tf_style.networks.archive import (
    EMBEDDED,
    NetworkError,
    encoder_kernels,
    find_network,
    read_card,
    read_weights,
    set_weights,
)
from tf_style.networks.many_styles import ManyStylesNetwork

Network = ArbitraryStyleNetwork | ManyStylesNetwork


@dataclasses.dataclass(frozen=True)
class NetworkChoice:
    """A config's network, with its card."""

    name: str
    path: str
    compute_dtype: str
    card: dict[str, Any]
    reason: str


def choose_network(config: StylizeConfig) -> NetworkChoice:
    """Finds the config's network; loads no weights.

    Raises:
      NetworkError: The network does not exist, or its file cannot be used.
    """
    path = find_network(config.network)
    reason = "embedded" if path in EMBEDDED.values() else str(path)
    card = read_card(path)
    return NetworkChoice(config.network, str(path), resolve_compute_dtype(config.compute_dtype), card, reason)


def build_network(config: StylizeConfig) -> Network:
    """Builds the config's network, with its weights.

    Raises:
      NetworkError: The network does not exist, or its file cannot be used.
    """
    choice = choose_network(config)
    kind = choice.card.get("kind")
    if kind not in NETWORKS:
        raise NetworkError(
            f"{choice.path} holds a network of kind {kind!r}, which this version does not know; update tf_style."
        )
    weights = read_weights(Path(choice.path))
    encoder = encoder_kernels(weights, choice.path) if kind == ArbitraryStyleNetwork.kind else None
    network = make_network(kind, choice.compute_dtype, tuple(choice.card.get("styles", ())), encoder)
    set_weights(network.layers, weights, choice.path)
    return network


def default_encoder() -> Kernels:
    """The kernels of the embedded backbone's layers that an arbitrary network reads."""
    return up_to(compact_kernels(), ENCODER_LAYERS)


def make_network(
    kind: str, compute_dtype: str, styles: tuple[str, ...] = (), encoder: Kernels | None = None
) -> Network:
    """Builds a network with random weights.

    Args:
      kind: A key of `NETWORKS`.
      compute_dtype: Type of its convolutions.
      styles: Names of its styles, for "many_styles".
      encoder: The encoder's kernels, for "arbitrary"; None: the embedded backbone's.
    """
    return NETWORKS[kind](compute_dtype, styles, encoder)


def _arbitrary(compute_dtype: str, styles: tuple[str, ...], encoder: Kernels | None) -> ArbitraryStyleNetwork:
    del styles
    kernels = default_encoder() if encoder is None else encoder
    features = vgg_features(
        "encoder", kernels, ENCODER_LAYERS, "max", "replicate_all", compute_dtype, features_dtype=compute_dtype
    )
    channels = tuple(features.output[layer].shape[-1] for layer in ENCODER_LAYERS)
    return ArbitraryStyleNetwork(features, channels, compute_dtype)


def _many_styles(compute_dtype: str, styles: tuple[str, ...], encoder: Kernels | None) -> ManyStylesNetwork:
    del encoder
    return ManyStylesNetwork(styles, compute_dtype)


#: Kinds of networks. A new one is a new row here.
NETWORKS: dict[str, Callable[[str, tuple[str, ...], Kernels | None], Network]] = {
    ArbitraryStyleNetwork.kind: _arbitrary,
    ManyStylesNetwork.kind: _many_styles,
}
