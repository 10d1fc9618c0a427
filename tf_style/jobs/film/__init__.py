"""Paints films: `tf-style video`. `run` is the way through; `parts` is what an interrupted run goes on from."""
