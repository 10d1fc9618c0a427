"""Losses, their gradients and paintings, computed on Keras's backend. Run as a program, on JAX and without TensorFlow.

`python -m tests.conformance.on_any_backend RESULTS` writes them to a file. `KERAS_BACKEND` must be jax.
"""

import sys

import numpy as np

LAYERS = ("block1_conv1", "block3_conv1", "block4_conv1")
_FEATURES = (2, 8, 10, 6)
_OF_PIXELS = ("pixels", "temporal", "total_variation", "total_variation_wrapped", "transport_of_colors")


def objectives():
    """Name -> an objective of one term."""
    from tf_style import losses

    layers, of_colors = ("features",), {"distance": "euclidean", "pool": 4}
    return {
        "content": losses.content_loss(layers),
        "content_standardized": losses.standardized_content_loss(layers),
        "pixels": losses.pixel_loss(),
        "style_gram": losses.style_loss(layers, statistic="gram"),
        "style_mean_std": losses.style_loss(layers, statistic="mean_std"),
        "temporal": losses.temporal_loss(),
        "total_variation": losses.total_variation_loss(),
        "total_variation_wrapped": losses.total_variation_loss("l1", wrap=True),
        "transport": losses.relaxed_transport_loss(layers, num_places=32),
        "transport_of_colors": losses.relaxed_transport_loss(("image",), num_places=32, **of_colors),
    }


def results(value_and_gradient, compiled):
    """Name -> array.

    Args:
      value_and_gradient: Turns a function of one array into one that also returns its gradient.
      compiled: Makes a function quick.
    """
    from keras import ops

    from tf_style.networks.stability import instability
    from tf_style.types import References

    rng = np.random.default_rng(0)
    image, content, style = (rng.random((2, 32, 40, 3), np.float32) for _ in range(3))
    own, of_content, of_style = (rng.random(_FEATURES, np.float32) for _ in range(3))
    mask = rng.random((1, 32, 40, 1), np.float32)
    given = {"step": 3, "mask": mask}
    references = References(
        {"features": of_content, "image": content, **given},
        ({"features": of_style, "image": style},),
        ({"image": style, "mask": mask},),
    )
    found = {}
    for name, objective in objectives().items():
        targets = objective.targets(references)
        changed, array = ("image", image) if name in _OF_PIXELS else ("features", own)

        def loss(x, objective=objective, targets=targets, changed=changed):
            return ops.sum(objective({"features": own, "image": image, **given, changed: x}, targets))

        found[name], found[f"{name}/gradient"] = value_and_gradient(loss)(array)

    def flicker(x):
        return ops.sum(instability(x, lambda pictures: 1.0 - ops.square(pictures), 1.0 - ops.square(x), np.arange(2)))

    found["stability"], found["stability/gradient"] = value_and_gradient(flicker)(image)
    found |= compiled(painter())(ops.convert_to_tensor(content[:1]), ops.convert_to_tensor(style))
    return {name: np.asarray(array) for name, array in found.items()}


def painter():
    """A function of a content and two styles.

    It returns what the backbone sees, and what the embedded networks paint, with noise, in a mixture at strength 0.7.
    """
    import keras

    from tf_style.backbones import compact_vgg19, vgg_features
    from tf_style.networks.arbitrary import ENCODER_LAYERS, ArbitraryStyleNetwork
    from tf_style.networks.archive import encoder_kernels, find_network, read_card, read_weights, set_weights
    from tf_style.networks.many_styles import ManyStylesNetwork
    from tf_style.ops.noise import Noise

    path = find_network("arbitrary")
    weights = read_weights(path)
    kernels = encoder_kernels(weights, str(path))
    encoder = vgg_features("encoder", kernels, ENCODER_LAYERS, "max", "replicate_all", "float32")
    channels = tuple(kernels[layer][0].shape[-1] for layer in ENCODER_LAYERS)
    anything = ArbitraryStyleNetwork(encoder, channels)
    set_weights(anything.layers, weights, str(path))
    path = find_network("many_styles")
    named = ManyStylesNetwork(tuple(read_card(path)["styles"]))
    set_weights(named.layers, read_weights(path), str(path))

    shares, strength, noise = (np.array(values, np.float32) for values in ((0.75, 0.25), (0.7,), (5,)))
    noise, backbone = Noise(noise.astype(np.int32)), compact_vgg19(LAYERS)

    def paint(content, style):
        codes = anything.encode_style(style)[None], named.encode_style(keras.ops.convert_to_tensor([0, 3]))[None]
        return {
            **{f"features/{layer}": features for layer, features in backbone(content).items()},
            "arbitrary": anything.paint(anything.encode_content(content), codes[0], shares, strength, noise),
            "many_styles": named.paint(content, codes[1], shares, strength),
        }

    return paint


def main():
    """Computes everything on JAX, where importing TensorFlow fails."""
    sys.modules["tensorflow"] = None
    import jax

    np.savez(sys.argv[1], **results(lambda loss: jax.jit(jax.value_and_grad(loss)), jax.jit))


if __name__ == "__main__":
    main()
