"""Small exported models for tests, and a short way to call one through the C++ session."""

import contextlib
import functools
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tf_style.presets import preset_config

#: Two shallow layers of the embedded backbone, two scales at 64 px, few steps.
SMALL = {
    "backbone": "compact_vgg19",
    "compute_dtype": "float32",
    "content_layers": "conv2_1",
    "style_layers": "conv1_1,conv2_1",
    "style_layer_weights": "0.5,0.5",
    "size": "64",
    "init": "content",
    "min_size": "40",
    "scale_factor": "1.4142135623730951",
    "average_decay": "0.97",
    "style_weight": "20",
    "num_steps": "4",
    "first_steps": "6",
}
#: Names the folder of this test run's exports.
FOLDER_VARIABLE = "TF_STYLE_TEST_EXPORTS"
MAX_PIXELS, MAX_STEPS, MAX_BATCH = 30_000, 60, 8
SHAPE = "is not compatible with expected shape"  # TensorFlow's words
MAX_ASKED = 40  # the coarsest scale takes half as many steps again


def small_config(preset="fine", **options):
    return preset_config(preset).replace(**{**SMALL, **options})


@functools.cache
def small_model(preset="fine", image_format="png", **options):
    """The folder of a version; exported once a test run, whichever process asks for it first."""
    from tf_style.serving.export.guards import Limits
    from tf_style.serving.export.saved_model import export_model

    name = hashlib.sha256(repr((preset, image_format, sorted(options.items()))).encode()).hexdigest()[:16]
    finished = Path(os.environ[FOLDER_VARIABLE]) / name
    if not finished.exists():
        made = tempfile.mkdtemp(dir=finished.parent)
        limits = Limits(MAX_PIXELS, MAX_STEPS, MAX_BATCH)
        config = small_config(preset, **options)
        export_model(config, made, preset=preset, limits=limits, warm_up_sizes=(64,), image_format=image_format)
        with contextlib.suppress(OSError):  # another process was faster
            os.rename(made, finished)
    return finished / "1"


def small_module(image_format="png", **options):
    """What is exported, before it is saved: its signatures are traced when they are called."""
    from tf_style.build import build_backbone, build_optimization
    from tf_style.serving.export.guards import Limits
    from tf_style.serving.export.signatures import ServedStylizer

    config = small_config(**options)
    backbone = build_backbone(config)
    limits = Limits(MAX_PIXELS, MAX_STEPS, MAX_BATCH)
    return ServedStylizer(build_optimization(config, backbone), backbone, config, limits, image_format)


class Served:
    """A version in the C++ session that TensorFlow Serving runs."""

    def __init__(self, version: Path, **threads):
        from tf_style.serving.models.session import Session

        self.session = Session.load(version, **threads)

    def __call__(self, signature, timeout_ms=0, **inputs):
        """Outputs by name; inputs that are left out have their defaults."""
        definition = self.session.signatures[signature]
        values = {name: tf.make_ndarray(default) for name, default in definition.defaults.items()}
        values |= {name: as_array(value) for name, value in inputs.items()}
        feeds = {definition.inputs[name].name: value for name, value in values.items()}
        names = list(definition.outputs)
        fetches = [definition.outputs[name].name for name in names]
        return dict(zip(names, self.session.run(feeds, fetches, timeout_ms), strict=True))


def assert_refused(served, sentence, signature, **inputs):
    from tf_style.serving.models.session import SessionError
    from tf_style.serving.wire.status import Code

    with pytest.raises(SessionError) as caught:
        served(signature, **inputs)
    assert caught.value.code == Code.INVALID_ARGUMENT, caught.value
    assert sentence in caught.value.message, caught.value.message


def as_array(value):
    """What is fed: lists of bytes as objects, whole numbers as int32, others as float32."""
    if isinstance(value, np.ndarray):
        return value
    array = np.array(value)
    if array.dtype.kind in "SO":
        return np.array(value, dtype=object)
    return array.astype({"i": np.int32, "f": np.float32}.get(array.dtype.kind, array.dtype))


def pixels(height, width, seed=0, batch=1):
    """Smooth random colours, uint8 [batch, height, width, 3]."""
    coarse = np.random.default_rng(seed).uniform(size=(batch, 4, 4, 3)).astype(np.float32)
    return np.clip(tf.image.resize(coarse, (height, width), "bicubic").numpy() * 255, 0, 255).round().astype(np.uint8)
