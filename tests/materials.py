"""What many tests are made of: a tiny backbone, pictures, a short way to a stylizer, checks of messages."""

import functools

import numpy as np
import tensorflow as tf

from tf_style.backbones.vgg import up_to, vgg_features
from tf_style.losses import content_loss, style_loss, total_variation_loss
from tf_style.networks.arbitrary import ENCODER_LAYERS
from tf_style.networks.archive import encoder_weights, weights_of
from tf_style.optimizers import OPTIMIZERS
from tf_style.stylizers import Optimization, PyramidStylizer
from tf_style.types import References

CONTENT_LAYERS = ("block4_conv2",)
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")
SHALLOW_LAYERS = ("block1_conv1", "block2_conv1")

#: Options of runs with the embedded backbone that are quick to trace: two layers, one scale, few steps.
QUICK = {
    "backbone": "compact_vgg19",
    "content_layers": SHALLOW_LAYERS[1:],
    "style_layers": SHALLOW_LAYERS,
    "style_statistic": "gram",
    "num_steps": 3,
    "first_steps": 0,
    "min_size": 0,
    "size": 0,
}

_WIDTHS = {1: 4, 2: 4, 3: 8, 4: 8, 5: 8}
_DEPTHS = {1: 2, 2: 2, 3: 4, 4: 4, 5: 1}


@functools.cache
def tiny_kernels(seed=0):
    """Random kernels and biases of a narrow VGG up to block5_conv1, under VGG-19's layer names."""
    rng = np.random.default_rng(seed)
    kernels, channels = {}, 3
    for block, depth in _DEPTHS.items():
        for index in range(1, depth + 1):
            width = _WIDTHS[block]
            kernel = rng.normal(0.0, np.sqrt(2.0 / (9 * channels)), (3, 3, channels, width)).astype(np.float32)
            bias = rng.normal(0.0, 5.0, width).astype(np.float32)
            kernels[f"block{block}_conv{index}"] = (kernel, bias)
            channels = width
    return kernels


def tiny_encoder():
    """What of it a network for any style looks at."""
    return up_to(tiny_kernels(), ENCODER_LAYERS)


def network_weights(network, encoder=None):
    """All that a network's file holds."""
    return {**encoder_weights(encoder or {}), **weights_of(network.layers)}


def tiny_vgg(layers=CONTENT_LAYERS + STYLE_LAYERS, pooling="max", padding="zero", compute_dtype="float32"):
    return vgg_features("tiny_vgg", tiny_kernels(), layers, pooling, padding, compute_dtype)


def picture(height=32, width=40, seed=0, batch=1):
    """Smooth random colours with some grain, float32 [batch, height, width, 3] in [0, 1]."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(size=(batch, 5, 5, 3)).astype(np.float32)
    smooth = tf.image.resize(coarse, (height, width), "bilinear").numpy()
    grain = rng.normal(0.0, 0.05, (batch, height, width, 3)).astype(np.float32)
    return tf.constant(np.clip(smooth + grain, 0.0, 1.0))


def flat_picture(value, height=32, width=32):
    return tf.fill([1, height, width, 3], tf.constant(value, tf.float32))


def pooled(image):
    """The least that can be called a backbone: cheap even where the objective is traced many times."""
    return {"pooled": tf.nn.avg_pool2d(image, 2, 2, "VALID")}


def pooled_stylizer(optimizer, objective=None, **options):
    return small_stylizer(pooled, optimizer, objective or small_objective(layers=("pooled",)), **options)


def features_of(backbone, image):
    return {**backbone(image), "image": image}


def small_objective(statistic="gram", layers=SHALLOW_LAYERS):
    return content_loss(layers[-1:]) + 20.0 * style_loss(layers, statistic=statistic) + total_variation_loss()


def small_stylizer(backbone, optimizer="adam", objective=None, **options):
    """A `PyramidStylizer` of few steps; options of `Optimization` are sorted out by name."""
    inner = {name: options.pop(name) for name in ("average_decay", "tolerance", "jit_compile") if name in options}
    if isinstance(optimizer, str):
        optimizer = OPTIMIZERS[optimizer]()
    optimization = Optimization(backbone, objective or small_objective(), optimizer, **inner)
    return PyramidStylizer(optimization, **{"num_steps": 3, **options})


def loss_function(backbone, objective, content, styles):
    """What an optimiser is given: picture -> (loss [B], weighted terms)."""
    references = References(features_of(backbone, content), tuple(features_of(backbone, style) for style in styles))
    targets = objective.targets(references)

    def loss_fn(image):
        losses = objective.losses(features_of(backbone, image), targets)
        return tf.add_n(list(losses.values())), losses

    return loss_fn


def descend(optimizer, loss_fn, image, num_steps, state=None):
    """Runs an optimiser eagerly, without a trace; returns the picture and the state."""
    state = optimizer.init(image) if state is None else state
    done = 0
    while done < num_steps:
        chunk = min(optimizer.steps_per_call, num_steps - done)
        image, state, _ = optimizer.step(loss_fn, image, state, tf.constant(chunk))
        done += chunk
    return image, state


def assert_resumes(stylizer, content, style, points):
    """From the state after each of these calls, the rest of a run is the same to the byte."""
    whole = list(stylizer.run(content, [style]))
    for point in points:
        saved = whole[point]
        leaves = [tf.constant(leaf.numpy()) for leaf in tf.nest.flatten(saved.state)]  # as from a file
        rest = list(stylizer.run(content, [style], (saved.scale, leaves)))
        assert [progress.step for progress in rest] == [progress.step for progress in whole[point + 1 :]]
        np.testing.assert_array_equal(rest[-1].image, whole[-1].image)
        for one, other in zip(tf.nest.flatten(rest[-1].state), tf.nest.flatten(whole[-1].state), strict=True):
            np.testing.assert_array_equal(one, other)


def assert_one_sentence(message):
    """One line that ends as sentences do, and not a Python name, a trace or a repr of something."""
    text = str(message)
    assert text.strip() == text
    assert text, "an empty message"
    assert "\n" not in text
    assert "Traceback" not in text
    assert text[-1] in ".?" or ": tf-style " in text, text  # an example of a command ends without a stop
    assert len(text) < 900, text  # some list all options


def assert_refused(outcome, words):
    """A command's outcome: what came is wrong, and one line on stderr says so, these words in it."""
    assert outcome.status == 2
    assert words in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1, outcome.stderr


def colorful(seed, size=(40, 48), batch=1):
    """Colours around a few random ones, far from a Gaussian."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0.15, 0.85, size=(4, 3))
    chosen = rng.choice(4, p=[0.4, 0.3, 0.2, 0.1], size=(batch, *size))
    return tf.constant(np.clip(centers[chosen] + rng.normal(0, 0.04, (batch, *size, 3)), 0, 1), tf.float32)


def text_encoder(images):
    """The least that can stand for CLIP: pictures [B, 16, 16, 3] to vectors [B, 6]."""
    rng = np.random.default_rng(0)
    kernel, matrix = rng.normal(size=(4, 4, 3, 8)), rng.normal(size=(16 * 8, 6))
    features = tf.nn.softplus(tf.nn.conv2d(images, kernel.astype(np.float32), 4, "VALID"))
    return tf.reshape(features, [-1, 16 * 8]) @ matrix.astype(np.float32)
