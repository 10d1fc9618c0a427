"""What guides a stylization beside content and style."""

from tf_style.guidance.color import PRESERVE_COLOR, preserve_color

__all__ = ["PRESERVE_COLOR", "preserve_color"]
