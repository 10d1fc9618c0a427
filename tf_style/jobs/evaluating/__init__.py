"""Measures paintings, made by any method, against their photos and styles."""
