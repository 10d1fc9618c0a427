"""Training of a network on Keras's JAX backend, where TensorFlow is not needed.

Shows: the networks, the backbones and the losses are Keras operations, so a training step can be written with
`jax.grad`. The network's file is the same as that of `tf-style train`: `tf-style stylize --network=...` paints with it.

    python examples/train_on_jax.py --output_dir=trained --num_steps=200
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"  # before Keras is imported

import jax
import keras
import numpy as np

import tf_style
from tf_style.losses import relaxed_transport_loss, standardized_content_loss, style_loss, total_variation_loss
from tf_style.losses.style import STYLE_LAYERS
from tf_style.networks.archive import weights_of, write_network
from tf_style.networks.many_styles import ManyStylesNetwork
from tf_style.networks.training_losses import TrainingLosses

PICTURES = Path(__file__).parent / "pictures"
PHOTOS = ("lighthouse.jpg", "mountain_lake.jpg", "woman_with_hat.jpg")
STYLES = ("great_wave", "starry_night")
LAYERS = (*STYLE_LAYERS, "block4_conv2")


def crops(photos: list[np.ndarray], size: int, batch_size: int) -> Iterator[np.ndarray]:
    """Endless batches of random crops, float32 [B, size, size, 3]."""
    rng = np.random.default_rng(0)
    while True:
        batch = []
        for photo in (photos[index] for index in rng.integers(len(photos), size=batch_size)):
            top, left = (rng.integers(side - size + 1) for side in photo.shape[:2])
            batch.append(photo[top : top + size, left : left + size])
        yield np.stack(batch)


def main() -> None:
    """Trains a network for two styles, writes it, and paints with it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--size", type=int, default=128, help="side of crops and of the painting, a multiple of 8")
    parser.add_argument("--num_steps", type=int, default=200)
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()

    photos = [tf_style.read_image(PICTURES / name).pixels for name in PHOTOS]
    keras.utils.set_random_seed(0)
    network = ManyStylesNetwork(STYLES)
    objective = (
        standardized_content_loss()
        + 10.0 * style_loss()
        + 4.0 * relaxed_transport_loss()
        + 2.0 * total_variation_loss()
    )
    training = TrainingLosses(network, tf_style.compact_vgg19(LAYERS, padding="replicate"), objective)
    training.prepare_styles([tf_style.read_image(PICTURES / f"{name}.jpg").pixels[np.newaxis] for name in STYLES])
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(training.variables)

    def loss_of(weights: list, contents: np.ndarray, styles: np.ndarray, turn: int) -> jax.Array:
        with keras.StatelessScope(state_mapping=list(zip(training.variables, weights, strict=True))):
            losses, _ = training.losses(contents, styles, np.zeros(len(contents), bool), turn=turn)
        return sum(losses.values())

    @jax.jit
    def step(weights: list, state: list, *batch: np.ndarray) -> tuple:
        loss, gradients = jax.value_and_grad(loss_of)(weights, *batch)
        return loss, *optimizer.stateless_apply(state, gradients, weights)

    weights, state = ([variable.value for variable in group] for group in (training.variables, optimizer.variables))
    styles = np.arange(4, dtype=np.int32) % len(STYLES)
    for turn, contents in zip(range(options.num_steps), crops(photos, options.size, len(styles)), strict=False):
        loss, weights, state = step(weights, state, contents, styles, np.int32(turn))
        if turn % 20 == 0 or turn == options.num_steps - 1:
            print(f"step {turn + 1}/{options.num_steps}  loss {loss:.4g}", flush=True)

    for variable, value in zip(training.variables, weights, strict=True):
        variable.assign(value)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    path = options.output_dir / "network.npz"
    write_network(path, {"kind": network.kind, "styles": list(STYLES)}, weights_of(network.layers))
    print(f"Wrote {path}")
    code = network.encode_style(np.array([0]))[:, None]
    paint = jax.jit(lambda contents: network.paint(contents, code, np.ones(1), np.ones(1)))
    painted = paint(next(crops(photos[-1:], options.size, 1)))
    tf_style.write_image(options.output_dir / "great_wave.png", np.asarray(painted[0]))


if __name__ == "__main__":
    main()
