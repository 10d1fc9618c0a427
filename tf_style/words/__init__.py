"""What sentences mean, near enough to find a picture by its description. Nothing here imports TensorFlow."""

from tf_style.words.embedding import WordsError, embed, known_words

__all__ = ["WordsError", "embed", "known_words"]
