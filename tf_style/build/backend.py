"""Says, when it is imported, if Keras does not run on TensorFlow."""

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Painting needs Keras's backend tensorflow, but it is {keras.backend.backend()}; set KERAS_BACKEND=tensorflow "
        "before Keras is imported."
    )
