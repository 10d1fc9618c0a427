"""Export to a SavedModel, a client for model servers, and a local stand-in for TensorFlow Serving."""
