"""Serving: an exported model behind TensorFlow Serving or its stand-in, and the clients of both."""
