"""Presets: one absl flagfile each."""
