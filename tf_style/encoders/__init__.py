"""Models that set pictures beside sentences."""

from tf_style.encoders.clip import ClipEncoder, EncoderError, load_clip

__all__ = ["ClipEncoder", "EncoderError", "load_clip"]
