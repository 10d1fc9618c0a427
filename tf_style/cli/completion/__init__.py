"""`tf-style completion bash|zsh|fish`."""

from tf_style.cli.completion.command import FLAGS, main

__all__ = ["FLAGS", "main"]
