"""A person's taste, learned from choices between two paintings. Nothing here imports TensorFlow.

`space` turns what can be painted into vectors, `preference` learns from choices, `session` asks, remembers and files
them, `profile` is what comes of it.
"""
