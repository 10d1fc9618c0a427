"""What choices have taught: styles with shares, controls, and how sure that is."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection
from typing import Any

from tf_style.controls import Controls
from tf_style.taste import file
from tf_style.taste.space import FIELDS, NEUTRAL


def counted(choices: int) -> str:
    """So many choices, in words."""
    return f"{choices} choice" if choices == 1 else f"{choices} choices"


@dataclasses.dataclass(frozen=True)
class Profile:
    """A taste, ready to paint with.

    Attributes:
      styles: Pictures as `--style` names them, the largest share first; none before the first choice.
      titles: Their titles.
      controls: For a stylizer that is given these styles.
      choices: How many answers it comes from.
      sure: The probability that the person prefers it to a random painting; 0.5 if nothing is known.
      learned: What was learned, in words.
      agreed: How many of the pairs that were shown twice got the same answer twice.
      repeated: How many pairs were shown twice.
    """

    styles: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    controls: Controls = Controls()
    choices: int = 0
    sure: float = 0.5
    learned: str = "nothing yet"
    agreed: int = 0
    repeated: int = 0

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Profile:
        """Reads a profile's file. The library's pictures are not opened.

        Raises:
          TasteError: There is no such file, or it is no profile; the message says what to do.

        Example:
          >>> profile = tf_style.Profile.read("me.json")
          >>> print(profile.sentence)
        """
        return cls.from_json(file.read(path), os.fspath(path))

    @classmethod
    def from_json(cls, found: dict[str, Any], path: str) -> Profile:
        """What `as_json` made, checked. Raises TasteError."""
        try:
            styles = found["styles"]
            controls = {"style_blend": tuple(float(one["share"]) for one in styles), **found["controls"]}
            return cls(
                tuple(str(one["style"]) for one in styles), tuple(str(one["title"]) for one in styles),
                Controls(**controls), int(found["choices"]), float(found["sure"]), str(found["learned"]),
                *map(int, found["agreed"]),
            )  # fmt: skip
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise file.broken(path, f"{error} in its styles or controls") from None

    def as_json(self) -> dict[str, Any]:
        """For a file: what people want to read comes first."""
        controls = {name: getattr(self.controls, name) for name in FIELDS} if self.styles else {}
        named = zip(self.styles, self.titles, self.controls.style_blend, strict=True)
        return {
            "learned": self.learned,
            "sure": self.sure,
            "choices": self.choices,
            "agreed": [self.agreed, self.repeated],
            "styles": [{"style": style, "title": title, "share": share} for style, title, share in named],
            "controls": controls,
        }

    @property
    def options(self) -> dict[str, Any]:
        """What differs from the defaults, as options of `StylizeConfig`, the shares of `styles` among them."""
        own, default = vars(self.controls), {**vars(Controls()), **NEUTRAL}
        differs = {name: value for name, value in own.items() if value not in (None, default[name])}
        if len(self.styles) < 2:
            differs.pop("style_blend", None)
        return differs

    def options_beside(self, given: Collection[str], styles: Collection[str]) -> dict[str, Any]:
        """The options that go with what else is given.

        Args:
          given: Names of other options. A palette sets the colours, so that the profile does not keep the content's.
          styles: Those of the profile that are taken; without them there are no shares.
        """
        unfit = {*([] if styles else ["style_blend"]), *(["preserve_color"] if "palette" in given else [])}
        return {name: value for name, value in self.options.items() if name not in unfit}

    @property
    def sentence(self) -> str:
        """What was learned and how sure it is, for people."""
        if not self.styles:
            return "nothing yet"
        agreed = f", you agreed with yourself {self.agreed} of {self.repeated} times" if self.repeated else ""
        return f"{self.learned} ({100 * self.sure:.0f} % sure after {counted(self.choices)}{agreed})"
