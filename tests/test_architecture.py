"""Holds the architecture: who may import whom, and what stays out of the library.

A new room (a module or folder directly under `tf_style/`) gets its place in LEVELS, and, when it is a folder, a line
under `packages` in setup.cfg. Read as text with `ast`; nothing of the library is imported.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 300

# From the bottom up. A room imports from lower levels and from itself, never from its own level or from above.
LEVELS: tuple[set[str], ...] = (
    {"version", "types"},
    {"images", "config"},
    {"presets"},
    {"ops"},
    {"losses", "optimizers", "backbones", "networks"},
    {"guidance", "stylizers", "evaluation", "distillation"},
    {"build"},
    {"api"},
    {"runners", "serving", "layers"},
    {"cli", "__init__"},
    {"__main__"},
)
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
CONFIG_ROOMS = {"config", "presets"}  # no config object below `build`: functions ask for what they use
LOUD_ROOMS = {"cli", "runners"}  # may print, and may take tensors out with .numpy()
PRIVATE_APIS = ("tensorflow.python", "tf.python", "keras.src")


class Source(NamedTuple):
    """One file of the library; `room` is the name directly under `tf_style/`."""

    path: str
    text: str

    @property
    def room(self) -> str:
        """`losses` for tf_style/losses/style.py, `build` for tf_style/build.py."""
        return Path(self.path).parts[1].removesuffix(".py")

    @property
    def nodes(self) -> Iterator[ast.AST]:
        """All nodes of the file, those inside functions too."""
        return ast.walk(ast.parse(self.text, self.path))


class Problem(NamedTuple):
    """What is wrong, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        """As compilers write it, so that editors can jump there."""
        return f"{self.path}:{self.line}: {self.message}"


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of each imported thing; relative imports are made absolute."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = list(Path(source.path).parent.parts)
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def points_down(source: Source) -> Iterator[tuple[int, str]]:
    """Imports point down only, and rooms on one level do not import each other."""
    if source.room not in LEVEL:
        yield 1, f"unknown room {source.room!r}: give it a place in LEVELS of tests/test_architecture.py"
        return
    for line, name in imports(source):
        package, _, rest = name.partition(".")
        if package != "tf_style":
            continue
        room = rest.partition(".")[0]
        if room not in LEVEL:
            yield line, f"imports {name!r}: import from the room that defines it (rooms: {', '.join(LEVEL)})"
        elif room != source.room and LEVEL[room] >= LEVEL[source.room]:
            yield line, f"{source.room} may not import {room}: imports point down only (see LEVELS)"
        elif room in CONFIG_ROOMS and source.room not in CONFIG_ROOMS and LEVEL[source.room] < LEVEL["build"]:
            yield line, f"{source.room} may not import {room}: below `build`, functions ask for what they use"


def flags_only_in_cli(source: Source) -> Iterator[tuple[int, str]]:
    """`absl.flags` is used in cli/ only."""
    for line, name in imports(source):
        if source.room != "cli" and name.startswith("absl.flags"):
            yield line, f"{name} belongs in cli/"


def public_apis_only(source: Source) -> Iterator[tuple[int, str]]:
    """Nothing private of TensorFlow or Keras is imported or reached by attribute."""
    names = [(node.lineno, ast.unparse(node)) for node in source.nodes if isinstance(node, ast.Attribute)]
    for line, name in [*imports(source), *names]:
        if f"{name}.".startswith(tuple(f"{api}." for api in PRIVATE_APIS)):
            yield line, f"{name} is private: use the public name"


def quiet_below_runners(source: Source) -> Iterator[tuple[int, str]]:
    """No print() and no .numpy() outside cli/ and runners/."""
    if source.room in LOUD_ROOMS:
        return
    for node in source.nodes:
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name) and called.id == "print":
            yield called.lineno, "print() belongs in cli/ or runners/"
        elif isinstance(called, ast.Attribute) and called.attr == "numpy":
            yield called.lineno, ".numpy() belongs in cli/ or runners/ (np.asarray at a door, nothing in a graph)"


def has_docstrings(source: Source) -> Iterator[tuple[int, str]]:
    """Every public module, class, function and method of a public class says what it is."""
    module = ast.parse(source.text, source.path)
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    public = [node for node in module.body if isinstance(node, kinds) and not node.name.startswith("_")]
    public += [
        method
        for owner in public
        if isinstance(owner, ast.ClassDef)
        for method in owner.body
        if isinstance(method, kinds) and not method.name.startswith("_")
    ]
    if not ast.get_docstring(module):
        yield 1, "the module has no docstring"
    yield from ((node.lineno, f"{node.name} has no docstring") for node in public if not ast.get_docstring(node))


def is_short(source: Source) -> Iterator[tuple[int, str]]:
    """No file is longer than MAX_LINES."""
    lines = len(source.text.splitlines())
    if lines > MAX_LINES:
        yield lines, f"{lines} lines, at most {MAX_LINES}: split it"


Rule = Callable[[Source], Iterator[tuple[int, str]]]
RULES: tuple[Rule, ...] = (
    points_down,
    flags_only_in_cli,
    public_apis_only,
    quiet_below_runners,
    has_docstrings,
    is_short,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_library_keeps(rule: Rule) -> None:
    files = sorted((ROOT / "tf_style").rglob("*.py"))
    sources = [Source(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]
    problems = [Problem(source.path, *found) for source in sources for found in rule(source)]
    assert not problems, "\n".join([rule.__doc__ or "", *map(str, problems)])


def test_setup_cfg_lists_every_room() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(parser["options"]["packages"].split())
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "tf_style").rglob("*.py")}
    missing = {".".join(folder.parts) for folder in folders} - listed
    assert not missing, "`packages` in setup.cfg lacks folders that hold code, so a wheel would lack them too"
    absent = {name for name in listed - {"tf_style.configs"} if not (ROOT / name.replace(".", "/")).is_dir()}
    assert not absent, "`packages` in setup.cfg names folders that do not exist, so nothing can be installed"
    assert "tf_style.configs" in listed, "the presets would be missing after `pip install`"


BAD = (  # each rule, and code that must not pass it
    (points_down, "losses/x.py", "from tf_style.stylizers import optimization"),
    (points_down, "losses/x.py", "from tf_style import backbones"),
    (points_down, "losses/x.py", "def f():\n    from ..optimizers.adam import adam"),
    (points_down, "images/x.py", "import tf_style.ops.color"),
    (points_down, "ops/x.py", "from tf_style.config import StyleConfig"),
    (points_down, "build.py", "from .api import stylize"),
    (points_down, "api.py", "from tf_style import stylize"),
    (points_down, "attic/x.py", ""),
    (flags_only_in_cli, "runners/x.py", "from absl import flags"),
    (flags_only_in_cli, "runners/x.py", "import absl.flags"),
    (public_apis_only, "ops/x.py", "from tensorflow.python.ops import math_ops"),
    (public_apis_only, "ops/x.py", "import keras\nkeras.src.backend.shape(0)"),
    (quiet_below_runners, "ops/x.py", "print(1)"),
    (quiet_below_runners, "build.py", "def f(x):\n    return x.numpy()"),
    (has_docstrings, "ops/x.py", "def f(): pass"),
    (has_docstrings, "ops/x.py", '"""Module."""\nclass A:\n    """A."""\n    def f(self): pass'),
    (is_short, "ops/x.py", "\n" * (MAX_LINES + 1)),
)


@pytest.mark.parametrize(("rule", "path", "text"), BAD)
def test_rule_finds(rule: Rule, path: str, text: str) -> None:
    assert list(rule(Source(f"tf_style/{path}", text)))


GOOD = (
    (points_down, "losses/style.py", "from ..ops import statistics\nfrom .objective import Objective\nimport numpy"),
    (points_down, "losses/__init__.py", "from .style import style_loss"),
    (points_down, "presets.py", "from .config import Config"),
    (points_down, "build.py", "from tf_style import config, losses"),
    (points_down, "__init__.py", "from .api import stylize\nfrom .version import __version__"),
    (flags_only_in_cli, "cli/x.py", "from absl import flags"),
    (public_apis_only, "ops/x.py", "import keras\nkeras.ops.shape(0)"),
    (quiet_below_runners, "runners/x.py", "print(x.numpy())"),
    (quiet_below_runners, "ops/x.py", "import tensorflow as tf\ntf.experimental.numpy.sum(0)"),
)


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_rule_allows(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(Source(f"tf_style/{path}", text)))
