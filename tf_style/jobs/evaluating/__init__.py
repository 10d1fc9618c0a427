"""Paintings measured against their photos and styles, whoever made them."""
