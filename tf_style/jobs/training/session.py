"""A training in progress: trainer, data, and everything that is written about it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.build import build_teacher, build_trainer, choose_backbone, find_encoder
from tf_style.config import ConfigError, TrainConfig, TrainFiles
from tf_style.jobs.training.data import TrainingData
from tf_style.jobs.training.state import load_state, numbered, restore, save_state
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

_CODES_SEEN = 256  # styles from which the arbitrary network learns how codes are spread
_CODES_BATCH = 16
_MAY_CHANGE = ("learning_rate", "gradient_norm", "reason")  # between two parts of one training


class TrainingError(ValueError):
    """Training that cannot go on; the message says why and what to do."""


class TrainingProgress(NamedTuple):
    """What is known after a step; `losses` are the weighted terms, which add up to `loss`."""

    step: int
    loss: float
    losses: dict[str, float]


class TrainingSession:
    """Everything of one training.

    Args:
      config: All options.
      files: Where from, where to.

    Raises:
      ConfigError: A checkpoint of another training.
      DataError, NetworkError, WeightsError: What was given cannot be used.
    """

    def __init__(self, config: TrainConfig, files: TrainFiles) -> None:
        self._config, self._files = config, files
        self._folder = Path(files.output_dir)
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
        self.step = 0
        self._seconds = 0.0
        self._losses: dict[str, float] = {}
        self._validation_losses: dict[str, float] = {}
        self.network = self._folder / NETWORK_FILE
        self._state = self._folder / "checkpoint.npz"
        self._resume()
        self._compiled = tf.function(self._distributed_step, reduce_retracing=True)

    def headline(self) -> str:
        """What is trained, on what, and whether an earlier training goes on."""
        choice = choose_backbone(self._config)
        gpus = len(tf.config.list_physical_devices("GPU"))
        line = (
            f"Training {self._config.network} on {self._data.contents.num_pictures} photos and "
            f"{self._data.styles.num_pictures} styles, losses through {choice.name} in {choice.compute_dtype} on "
            f"{f'{gpus} GPU' if gpus else 'CPU'}."
        )
        return line + (f" Going on from step {self.step} in {self._folder}." if self.step else "")

    @property
    def complete(self) -> bool:
        """Whether the last step is done."""
        return self.step >= self._config.num_steps

    def steps(self) -> Iterator[TrainingProgress]:
        """Trains; keeps checkpoint, network, samples and TensorBoard up to date on the way."""
        writer = tf.summary.create_file_writer(str(self._folder / "logs"))
        last_save = last = time.monotonic()
        batches = iter(self._strategy.experimental_distribute_dataset(self._data.batches(self.step)))
        while not self.complete:
            with self._data.reading_batch(self.step):
                batch = next(batches)
            losses = {name: float(loss) for name, loss in self._compiled(*batch).items()}
            self.step += 1
            now = time.monotonic()
            self._seconds, last = self._seconds + now - last, now
            self._losses = losses
            loss = sum(losses.values())
            if not math.isfinite(loss):
                raise TrainingError(
                    f"The loss became {loss} at step {self.step}; lower --learning_rate or --gradient_norm and repeat: "
                    f"training goes on from the last checkpoint in {self._folder}, if there is one."
                )
            if self.step % self._files.log_every == 0:
                with writer.as_default(step=self.step):
                    tf.summary.scalar("loss", loss)
                    for name, value in losses.items():
                        tf.summary.scalar(f"loss/{name}", value)
            yield TrainingProgress(self.step, loss, losses)  # first: from now on there is something to lose
            if self.step % self._files.validate_every == 0 or self.complete:
                self._validate(writer)
            if now - last_save >= 60.0 * self._files.checkpoint_minutes and not self.complete:
                self.save()
                last_save = time.monotonic()
        writer.close()

    def save(self) -> Path:
        """Writes the checkpoint, unless the training is complete, and the network; returns the network's path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self.complete:
            facts = {"step": self.step, "seconds": self._seconds}
            save_state(self._state, self._identity(), facts, self._variables())
        with self._average.in_place():
            weights = weights_of(self.trainer.network.layers)
        write_network(self.network, self._card(), {**encoder_weights(self._encoder), **weights})
        if self.complete:
            self._state.unlink(missing_ok=True)  # last: until the network is written, it is all there is
        return self.network

    # Training ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """What the network has to know of the styles before the first step."""
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
                    f"--init_from={self._files.init_from} is a network of kind {card['kind']}, but "
                    f"{self._config.network} is to be trained; give one of that kind."
                )
            weights = read_weights(path)
            if self._named:
                weights["table/embeddings"] = _table_for(self._data.names, card["styles"], weights["table/embeddings"])
            set_weights(network.layers, weights, str(path))
        elif isinstance(network, ArbitraryStyleNetwork):
            batches = self._data.style_batches(_CODES_BATCH, _CODES_SEEN // _CODES_BATCH)
            network.adapt(tf.concat([network.encode_style(batch) for batch in batches], 0))

    def _distributed_step(self, *batch: Any) -> dict[str, tf.Tensor]:
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

    def _variables(self) -> dict[str, Any]:
        return {
            **weights_of(self.trainer.network.layers),
            **numbered("optimizer", self.trainer.optimizer.variables),
            **numbered("average", self._average.values),
        }

    def _resume(self) -> None:
        if not self._state.exists():
            self._check_untouched()
            return
        advice = "give another --output_dir (--init_from takes its network.npz as a start)"
        facts, arrays = load_state(self._state, self._identity(), advice)
        set_weights(self.trainer.network.layers, arrays, str(self._state))
        restore("optimizer", self.trainer.optimizer.variables, arrays)
        restore("average", self._average.values, arrays)
        self.step, self._seconds = facts["step"], facts["seconds"]

    def _check_untouched(self) -> None:
        """A network that is there already is either this training's, which is then complete, or not to be lost."""
        if not self.network.exists():
            return
        training = read_card(self.network).get("training", {})
        if training.get("identity") != self._identity() or training.get("steps_done") != self._config.num_steps:
            raise ConfigError(
                f"{self._folder} holds a network of another training; give another --output_dir, or remove "
                f"{NETWORK_FILE} there."
            )
        self.step = self._config.num_steps

    def _identity(self) -> str:
        """A digest of what decides the weights, but for what may have to change when training fails."""
        sources = [
            [[Path(file).name for file in source.files], list(source.leave_out), source.num_pictures, source.num_held]
            for source in (self._data.contents, self._data.styles)
        ]
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
    """The rows of a table for other styles: those that are known keep theirs, new ones begin with the mean."""
    rows = {name: table[1 + index] for index, name in enumerate(known)}
    mean = table[1:].mean(0)
    return np.stack([table[0], *(rows.get(name, mean) for name in names)])


def _strategy() -> Any:
    """All GPUs if there are several, else the one device."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus]) if len(gpus) > 1 else tf.distribute.get_strategy()
