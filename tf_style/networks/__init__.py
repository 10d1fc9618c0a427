"""Feed-forward networks: a style becomes a code, and one pass paints a picture with it."""
