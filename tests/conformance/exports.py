"""A stylizer in a SavedModel, and the check that it paints there as it does eagerly."""

import numpy as np
import tensorflow as tf

from tests.materials import picture

SPEC = tf.TensorSpec([1, None, None, 3], tf.float32)


class Exported(tf.Module):
    """What a server would load."""

    def __init__(self, stylizer, backbone=None):
        super().__init__()
        self.backbone = backbone  # tracked, so that its variables are saved
        self.paint = tf.function(
            lambda content, style: stylizer(content, [style]), input_signature=[SPEC, SPEC], autograph=False
        )


def assert_exports_and_reloads(stylizer, folder, backbone=None):
    exported = Exported(stylizer, backbone)
    tf.saved_model.save(exported, folder, signatures={"serving_default": exported.paint})
    reloaded = tf.saved_model.load(folder)
    for height, width, seed in ((32, 40, 1), (48, 36, 2)):
        content, style = picture(height, width, seed), picture(36, 32, seed + 10)
        eager = stylizer(content, [style]).numpy()
        (again,) = reloaded.signatures["serving_default"](content=content, style=style).values()
        np.testing.assert_allclose(again, eager, atol=1e-5)
        assert np.abs(eager - content).mean() > 1e-3  # something was painted
