"""Turns a server's answers into Python values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tf_style.serving.wire.messages import ModelVersionState, SignatureDefMap
from tf_style.serving.wire.tensors import Array, type_name


class Step(NamedTuple):
    """What `Client.run` yields after each call to the server.

    In a batch, `step` (steps so far) is the largest of all pictures, `fraction` (share of the work done, 0 to 1) is the
    smallest, and `losses` (weighted terms by name) are means. `image` is the picture so far, uint8, with a batch axis
    if the content had one.
    """

    step: int
    fraction: float
    finished: bool
    losses: dict[str, float]
    image: npt.NDArray[np.uint8]

    @property
    def loss(self) -> float:
        """The sum of the terms."""
        return sum(self.losses.values())


class TensorSpec(NamedTuple):
    """An input or output of a signature.

    `dtype` is numpy's name, or "string". None in `shape` means any length; a `shape` of None means any shape.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


class VersionStatus(NamedTuple):
    """A version of the model, its state (START, LOADING, AVAILABLE, UNLOADING or END), and why it ended, if it did."""

    version: int
    state: str
    error: str


def read_step(outputs: Mapping[str, Array], image: npt.NDArray[np.uint8]) -> Step:
    """The outputs of `advance`, without the state, as a Step."""
    losses = {name.removeprefix("loss_"): value for name, value in outputs.items() if name.startswith("loss_")}
    return Step(
        step=int(np.max(outputs["steps"])),
        fraction=float(np.min(outputs["fraction"])),
        finished=bool(np.all(outputs["finished"])),
        losses={name: float(np.mean(value)) for name, value in sorted(losses.items())},
        image=image,
    )


def read_signatures(answer: Any) -> dict[str, dict[str, dict[str, TensorSpec]]]:
    """A GetModelMetadataResponse: signature -> "inputs" or "outputs" -> name -> TensorSpec."""
    signatures = SignatureDefMap.FromString(answer.metadata["signature_def"].value).signature_def
    return {
        name: {kind: {key: _spec(info) for key, info in getattr(found, kind).items()} for kind in ("inputs", "outputs")}
        for name, found in signatures.items()
    }


def read_versions(answer: Any) -> list[VersionStatus]:
    """A GetModelStatusResponse, in the server's order."""
    return [
        VersionStatus(found.version, _state_name(found.state), found.status.error_message)
        for found in answer.model_version_status
    ]


def _spec(info: Any) -> TensorSpec:
    shape = tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
    return TensorSpec(type_name(info.dtype), None if info.tensor_shape.unknown_rank else shape)


def _state_name(number: int) -> str:
    value = ModelVersionState.values_by_number.get(number)
    return value.name if value is not None else str(number)
