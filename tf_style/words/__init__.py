"""Styles found by words: what sentences mean (`embedding`), a library of captioned pictures, words that set options.

Nothing here imports TensorFlow.
"""
