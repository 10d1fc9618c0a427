"""The training of a network: its trainer, its data, and what is written about it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import build_teacher, build_trainer, choose_backbone, find_encoder
from tf_style.config import ConfigError, TrainConfig, TrainFiles
from tf_style.jobs.training.data import TrainingData
from tf_style.jobs.training.loop import TrainingLoop, identity_of_sources
from tf_style.jobs.training.state import numbered, restore
from tf_style.networks.arbitrary import ArbitraryStyleNetwork
from tf_style.networks.archive import (
    NETWORK_FILE,
    NetworkError,
    encoder_weights,
    find_network,
    read_card,
    read_weights,
    set_weights,
    weights_of,
    write_network,
)
from tf_style.networks.training import RunningAverage
from tf_style.version import versions

_CODES_SEEN = 256  # styles from which the arbitrary network learns the spread of codes
_CODES_BATCH = 16
_MAY_CHANGE = ("learning_rate", "gradient_norm", "reason")  # while a training is interrupted


class TrainingSession(TrainingLoop):
    """The training of one network.

    Args:
      config: All options.
      files: Where from, where to.

    Raises:
      ConfigError: The checkpoint belongs to another training, or options conflict.
      DataError, NetworkError, WeightsError: Pictures, a network or weights cannot be used.
    """

    flags_to_lower = "--learning_rate or --gradient_norm"
    advice = "give another --output_dir (--init_from can start from its network.npz)"

    def __init__(self, config: TrainConfig, files: TrainFiles) -> None:
        super().__init__(config, files, NETWORK_FILE)
        self._data = TrainingData(config, files)
        self._named = config.network == "many_styles"
        if files.teacher and not (self._named and config.reconstruction_weight + config.color_weight):
            raise ConfigError(
                "--teacher is for --network=many_styles with --reconstruction_weight or --color_weight above 0; leave "
                "it out."
            )
        self._strategy = _strategy()
        if config.batch_size % self._strategy.num_replicas_in_sync:
            raise ConfigError(
                f"batch_size is {config.batch_size}, but there are {self._strategy.num_replicas_in_sync} GPUs; give a "
                "multiple of that."
            )
        keras.utils.set_random_seed(config.seed)
        self._encoder = find_encoder(config, files.init_from, files.encoder) or {}
        with self._strategy.scope():
            self.trainer = build_trainer(config, self._data.names, self._encoder or None)
            self._average = RunningAverage(self.trainer.variables, config.average_decay)
        self._validation = self._data.validation_pairs()
        self._prepare()
        self._validation_losses: dict[str, float] = {}
        self._resume()

    def headline(self) -> str:
        """Says what is trained, on what, and whether an earlier training is resumed."""
        choice = choose_backbone(self._config)
        gpus = len(tf.config.list_physical_devices("GPU"))
        line = (
            f"Training {self._config.network} on {self._data.contents.num_pictures} photos and "
            f"{self._data.styles.num_pictures} styles, losses through {choice.name} in {choice.compute_dtype} on "
            f"{f'{gpus} GPU' if gpus else 'CPU'}."
        )
        return line + (f" Resuming from step {self.step} in {self._folder}." if self.step else "")

    # Training ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Gives the network what it must know of the styles before the first step."""
        network = self.trainer.network
        if self._named:
            with self._strategy.scope():
                teacher = build_teacher(self._config, self._files.teacher) if self._files.teacher else None
            self.trainer.prepare_styles(self._data.named_styles(self._config.style_size), teacher)
        if self._files.init_from:
            path = find_network(self._files.init_from)
            card = read_card(path)
            if card["kind"] != self._config.network:
                raise NetworkError(
                    f"--init_from={self._files.init_from} is a network of kind {card['kind']}, but --network is "
                    f"{self._config.network}; give one of that kind."
                )
            weights = read_weights(path)
            if self._named:
                weights["table/embeddings"] = _table_for(self._data.names, card["styles"], weights["table/embeddings"])
            set_weights(network.layers, weights, str(path))
        elif isinstance(network, ArbitraryStyleNetwork):
            batches = self._data.style_batches(_CODES_BATCH, _CODES_SEEN // _CODES_BATCH)
            network.adapt(tf.concat([network.encode_style(batch) for batch in batches], 0))

    def _batches(self) -> tf.data.Dataset:
        return self._strategy.experimental_distribute_dataset(self._data.batches(self.step))

    def _reading_batch(self) -> AbstractContextManager[None]:
        return self._data.reading_batch(self.step)

    def _train_step(self, *batch: Any) -> dict[str, tf.Tensor]:
        losses = self._strategy.run(self.trainer.step, batch)
        self._average.update(self.trainer.optimizer.iterations.value)
        return {name: self._strategy.reduce("MEAN", loss, None) for name, loss in losses.items()}

    def _validate(self, writer: Any) -> None:
        """Losses and pictures of the fixed pairs, with the averaged weights."""
        contents, styles = self._validation
        if contents is None:
            return
        with self._average.in_place():
            losses, painted = self.trainer.validate(contents, styles)
        self._validation_losses = {name: float(loss) for name, loss in losses.items()}
        rows = [contents, tf.clip_by_value(painted, 0.0, 1.0)]
        rows = [contents, styles, rows[1]] if not self._named else rows
        sheet = tf.concat([tf.concat(tf.unstack(row), 1) for row in rows], 0)
        images.write_image(self._folder / "samples.jpg", np.asarray(sheet))
        with writer.as_default(step=self.step):
            for name, value in losses.items():
                tf.summary.scalar(f"validation/{name}", value)
            tf.summary.image("validation", sheet[tf.newaxis])

    # Checkpoint ----------------------------------------------------------------------------------------------------

    def _arrays(self) -> dict[str, np.ndarray]:
        return {
            **weights_of(self.trainer.network.layers),
            **numbered("optimizer", self.trainer.optimizer.variables),
            **numbered("average", self._average.values),
        }

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        set_weights(self.trainer.network.layers, arrays, str(self._state))
        restore("optimizer", self.trainer.optimizer.variables, arrays)
        restore("average", self._average.values, arrays)

    def _write_result(self) -> None:
        with self._average.in_place():
            weights = weights_of(self.trainer.network.layers)
        write_network(self.result, self._card(), {**encoder_weights(self._encoder), **weights})

    def _card_of_result(self) -> dict[str, Any]:
        return read_card(self.result).get("training", {})

    def _identity(self) -> str:
        sources = identity_of_sources((self._data.contents, self._data.styles))
        config = dataclasses.asdict(self._config) | dataclasses.asdict(choose_backbone(self._config))
        kept = {name: value for name, value in config.items() if name not in _MAY_CHANGE}
        parts = [kept, sources, self._files.init_from, self._files.teacher]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        for array in encoder_weights(self._encoder).values():
            digest.update(array.tobytes())
        return digest.hexdigest()

    def _card(self) -> dict[str, Any]:
        card = {"kind": self._config.network, "training": {
            **dataclasses.asdict(self._config),
            "weights": Path(self._config.weights).name,
            "init_from": Path(self._files.init_from).name,
            "encoder": Path(self._files.encoder).name,
            "teacher": Path(self._files.teacher).name,
            "photos": self._data.contents.num_pictures,
            "paintings": self._data.styles.num_pictures,
            "identity": self._identity(),
            "steps_done": self.step,
            "losses": self._losses,
            "validation_losses": self._validation_losses,
            "seconds": round(self._seconds),
            "machine": f"{platform.machine()}, {len(tf.config.list_physical_devices('GPU'))} GPUs",
            "versions": versions(),
        }}  # fmt: skip
        if self._named:
            return {**card, "styles": list(self._data.names)}
        return {**card, "encoder": {layer: kernel.shape[-1] for layer, (kernel, _) in self._encoder.items()}}


def _table_for(names: tuple[str, ...], known: list[str], table: np.ndarray) -> np.ndarray:
    """The rows of a table for other styles: known ones keep theirs, new ones start from the mean."""
    rows = {name: table[1 + index] for index, name in enumerate(known)}
    mean = table[1:].mean(0)
    return np.stack([table[0], *(rows.get(name, mean) for name in names)])


def _strategy() -> Any:
    """All GPUs if there are several, else the one device."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus]) if len(gpus) > 1 else tf.distribute.get_strategy()
