"""How facts are printed, for `tf-style doctor` and `tf-style inspect`."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import Options, option


@dataclasses.dataclass(frozen=True)
class PrintOptions(Options):
    """How to print what was found. Every field is a flag."""

    json: bool = option(False, "print JSON", "report")
