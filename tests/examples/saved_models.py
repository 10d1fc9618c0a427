"""A SavedModel for tests of serving and embedding: the exported model's signatures, without its work.

`write_fake` saves within seconds, and paints by mixing the style's mean color into the content. Names, types and
shapes are those of `tf-style export` (without `start` and `advance`); a slow test runs the examples on a real export.
"""

import json

import tensorflow as tf

_PICTURES = tf.TensorSpec([None, None, None, 3], tf.uint8)
_WHOLE, _REAL, _FILES = (tf.TensorSpec([None], dtype) for dtype in (tf.int32, tf.float32, tf.string))
_OPTIONS = {"num_steps": _WHOLE, "seed": _WHOLE, "content_weight": _REAL, "style_weight": _REAL}
_STEPS, _SEED, _CONTENT_WEIGHT, _STYLE_WEIGHT = (tf.constant([value]) for value in (10, 0, 1.0, 20.0))


def _mix(content, color, options):
    """Content uint8 [B, H, W, 3] moved towards a color [B or 1, 3] by the style's share of the weights."""
    options = {name: tf.ensure_shape(value, [None]) for name, value in options.items()}
    content = tf.ensure_shape(content, [None, None, None, 3])
    batch = tf.shape(content)[0]
    share = options["style_weight"] / (options["style_weight"] + options["content_weight"] + 1e-6)
    share = share[:, tf.newaxis, tf.newaxis, tf.newaxis]
    seed = tf.cast(options["seed"] % 2, tf.float32)[:, tf.newaxis, tf.newaxis, tf.newaxis]
    image = (1.0 - share) * tf.cast(content, tf.float32) + share * color[:, tf.newaxis, tf.newaxis] + seed
    losses = {f"loss_{name}": tf.ones([batch]) for name in ("content", "style", "total_variation")}
    steps = tf.broadcast_to(options["num_steps"], [batch])
    return {"image": tf.saturate_cast(tf.round(image), tf.uint8), **losses, "steps": steps}


def _mean_color(pictures):
    return tf.reduce_mean(tf.cast(tf.ensure_shape(pictures, [None, None, None, 3]), tf.float32), [1, 2])


def _decode(file):
    picture = tf.io.decode_image(file, channels=3, expand_animations=False)
    return tf.ensure_shape(picture, [None, None, 3])[tf.newaxis]


class FakeStylizer(tf.Module):
    """One function a signature, by the exported model's names."""

    @tf.function(input_signature=[_PICTURES, _PICTURES, *_OPTIONS.values()])
    def stylize(
        self,
        content,
        style,
        num_steps=_STEPS,
        seed=_SEED,
        content_weight=_CONTENT_WEIGHT,
        style_weight=_STYLE_WEIGHT,
    ):
        options = dict(zip(_OPTIONS, (num_steps, seed, content_weight, style_weight), strict=True))
        return _mix(content, _mean_color(style), options)

    @tf.function(input_signature=[_FILES, _FILES])
    def stylize_bytes(self, content_bytes, style_bytes):
        content_bytes, style_bytes = (tf.ensure_shape(files, [None]) for files in (content_bytes, style_bytes))
        style_bytes = tf.broadcast_to(style_bytes, tf.shape(content_bytes))

        def paint(files):
            options = (_STEPS, _SEED, _CONTENT_WEIGHT, _STYLE_WEIGHT)
            painted = self.stylize(_decode(files[0]), _decode(files[1]), *options)
            return tf.io.encode_png(painted["image"][0])

        return {"image_bytes": tf.map_fn(paint, (content_bytes, style_bytes), fn_output_signature=tf.string)}

    @tf.function(input_signature=[_PICTURES, tf.TensorSpec([2], tf.int32)])
    def encode_style(self, style, size):
        return {"style_code": _mean_color(style)[:, tf.newaxis] + 0.0 * tf.cast(tf.reduce_sum(size), tf.float32)}

    @tf.function(input_signature=[_PICTURES, tf.TensorSpec([None, None, None], tf.float32), *_OPTIONS.values()])
    def stylize_encoded(
        self,
        content,
        style_code,
        num_steps=_STEPS,
        seed=_SEED,
        content_weight=_CONTENT_WEIGHT,
        style_weight=_STYLE_WEIGHT,
    ):
        options = dict(zip(_OPTIONS, (num_steps, seed, content_weight, style_weight), strict=True))
        return _mix(content, style_code[:, 0], options)


def write_fake(folder):
    """Saves the fake as the version `folder` (`BASE/1`), and returns its path."""
    model = FakeStylizer()
    model.serving_default = model.stylize  # as the exported module holds it
    names = ("serving_default", "stylize", "stylize_bytes", "encode_style", "stylize_encoded")
    tf.saved_model.save(model, str(folder), signatures={name: getattr(model, name) for name in names})
    card = folder / "assets.extra" / "tf_style.json"
    card.parent.mkdir()
    config = {"num_steps": 10, "seed": 0, "content_weight": 1.0, "style_weight": 20.0}
    card.write_text(json.dumps({"format": 1, "config": config}), encoding="utf-8")
    return folder
