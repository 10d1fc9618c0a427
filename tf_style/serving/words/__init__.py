"""`tf_style.words` again as TensorFlow operations, so that an exported model takes words."""
