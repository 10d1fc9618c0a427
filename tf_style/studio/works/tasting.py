"""A visitor's taste: pairs to compare, painted on the photo, and what the answers teach."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from tf_style.studio.works.painting import PictureWork
from tf_style.studio.works.settings import Settings
from tf_style.taste.session import Session
from tf_style.taste.space import FIELDS, Candidate

#: The profile's file in the visitor's folder.
PROFILE = "taste.json"
UNDO = "undo"
_SIDE = 384  # long side in pixels of the pictures to compare


class Tasting:
    """Questions, their paintings, and answers.

    Args:
      folder: The visitor's folder; the profile lies there.

    Raises:
      TasteError: The profile cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._session = Session.open(folder / PROFILE, library="")  # an uploaded profile might name another folder
        self._works: dict[tuple[str, Candidate], PictureWork] = {}
        #: The paintings of the pair to compare, left and right.
        self.pair: tuple[PictureWork, ...] = ()
        self.profile = self._session.profile()

    def tell(self, answer: str) -> None:
        """Answers the pair, or takes the last answer back (`UNDO`).

        Raises:
          TasteError: There is no such answer, or none to take back.
        """
        if answer == UNDO:
            self._session.undo()
        else:
            self._session.tell(answer)
        self.profile = self._session.profile()

    def ask(self, photo: str, work_of: Any) -> list[PictureWork]:
        """Makes the next pair; returns those of its works that are new.

        Args:
          photo: What to paint.
          work_of: Makes a work from its settings.
        """
        asked = self._session.ask()
        keys = [(photo, one) for one in (asked.left, asked.right)]
        new = [key for key in dict.fromkeys(keys) if key not in self._works or self._works[key].lost]
        for key in new:
            self._works[key] = work_of(self._settings(*key))
        self.pair = tuple(self._works[key] for key in keys)
        return [self._works[key] for key in new]

    def _settings(self, photo: str, one: Candidate) -> Settings:
        options: dict[str, Any] = {name: getattr(one, name) for name in FIELDS}
        if len(one.styles) > 1:
            options["style_blend"] = one.shares
        return Settings.of(
            content=photo,
            styles=tuple(map(self._session.space.named, one.styles)),
            output=f"taste-{secrets.token_hex(8)}.png",
            preset="instant",
            options={**options, "size": _SIDE},
        )
