"""Holds the architecture: who may import whom, how large rooms and files grow, and what stays out of the library.

A new room (a folder, or a module directly under `tf_style/`) gets its place in LEVELS, and, when it is a folder, a line
under `packages` in setup.cfg. Read as text with `ast`; nothing of the library is imported.
"""

from __future__ import annotations

import ast
import configparser
import graphlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 300  # of a file
MAX_TEST_LINES = 400  # of a file under tests/
MAX_FILES = 12  # in a folder, beside __init__.py

# From the bottom up. A room imports from lower levels and from itself, never from its own level or from above.
LEVELS: tuple[set[str], ...] = (
    {"version", "controls"},
    {"types"},
    {"images", "config"},
    {"images.strips", "presets", "video", "schedule"},
    {"ops", "words", "audio"},
    {"losses", "optimizers", "backbones", "networks", "encoders", "taste"},
    {"guidance", "stylizers", "evaluation", "distillation", "motion"},
    {"build"},
    {"api", "serving.wire", "serving.words"},
    {"layers", "frames", "serving.client", "serving.export", "serving.models"},
    {"serving.server", "jobs.run"},
    {"jobs.large", "jobs.preparing", "jobs.training", "jobs.evaluating", "jobs.requesting", "jobs.doctor"},
    {"jobs.picture", "jobs.distilling", "jobs.estimating", "jobs.film"},
    {"jobs.folder"},
    {"jobs.beam", "jobs.taste"},
    {"jobs", "serving"},
    {"cli.flags", "__init__"},
    {"cli.painting"},
    {"cli"},
    {"cli.completion"},
    {"__main__"},
)
LEVEL = {room: number for number, rooms in enumerate(LEVELS) for room in rooms}
CONFIG_ROOMS = {"config", "presets"}  # no config object below `build`: functions ask for what they use
LOUD_ROOMS = ("cli", "jobs")  # may print, and may take tensors out with .numpy()
PRIVATE_APIS = ("tensorflow.python", "tf.python", "keras.src")


def room_of(parts: tuple[str, ...]) -> str:
    """The innermost room of a dotted name below `tf_style`: `jobs.run` of ("jobs", "run", "inputs"); "" for none."""
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in LEVEL), "")


class Source(NamedTuple):
    """One file of the library."""

    path: str
    text: str

    @property
    def module(self) -> tuple[str, ...]:
        """("losses", "style") for tf_style/losses/style.py."""
        return Path(self.path).with_suffix("").parts[1:]

    @property
    def room(self) -> str:
        """`losses` for tf_style/losses/style.py, `build` for tf_style/build.py."""
        return room_of(self.module)

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
    if source.room not in (".".join(source.module), ".".join(source.module[:-1])):
        yield 1, "a room that is not known: give it a place in LEVELS of tests/test_architecture.py"
        return
    for line, name in imports(source):
        package, *rest = name.split(".")
        if package != "tf_style":
            continue
        room = room_of(tuple(rest))
        if not room:
            yield line, f"imports {name!r}: import from the room that defines it (rooms: {', '.join(LEVEL)})"
        elif room != source.room and LEVEL[room] >= LEVEL[source.room]:
            yield line, f"{source.room} may not import {room}: imports point down only (see LEVELS)"
        elif room in CONFIG_ROOMS and source.room not in CONFIG_ROOMS and LEVEL[source.room] < LEVEL["build"]:
            yield line, f"{source.room} may not import {room}: below `build`, functions ask for what they use"


def flags_only_in_cli(source: Source) -> Iterator[tuple[int, str]]:
    """`absl.flags` is used in cli/ only."""
    for line, name in imports(source):
        if not source.room.startswith("cli") and name.startswith("absl.flags"):
            yield line, f"{name} belongs in cli/"


def public_apis_only(source: Source) -> Iterator[tuple[int, str]]:
    """Nothing private of TensorFlow or Keras is imported or reached by attribute."""
    names = [(node.lineno, ast.unparse(node)) for node in source.nodes if isinstance(node, ast.Attribute)]
    for line, name in [*imports(source), *names]:
        if f"{name}.".startswith(tuple(f"{api}." for api in PRIVATE_APIS)):
            yield line, f"{name} is private: use the public name"


def quiet_below_jobs(source: Source) -> Iterator[tuple[int, str]]:
    """No print() and no .numpy() outside cli/ and jobs/."""
    if source.room.startswith(LOUD_ROOMS):
        return
    for node in source.nodes:
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Name) and called.id == "print":
            yield called.lineno, "print() belongs in cli/ or jobs/"
        elif isinstance(called, ast.Attribute) and called.attr == "numpy":
            yield called.lineno, ".numpy() belongs in cli/ or jobs/ (np.asarray at a door, nothing in a graph)"


def traced_as_written(source: Source) -> Iterator[tuple[int, str]]:
    """AutoGraph is off: it rewrites functions before it traces them, and nothing here branches on tensors in Python."""
    nodes = list(source.nodes)
    off = {
        node.func
        for node in nodes
        if isinstance(node, ast.Call) and "autograph" in {keyword.arg for keyword in node.keywords}
    }
    for node in nodes:
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "tf.function" and node not in off:
            yield node.lineno, "tf.function needs autograph=False"


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
    quiet_below_jobs,
    traced_as_written,
    has_docstrings,
    is_short,
)


def sources() -> list[Source]:
    files = sorted((ROOT / "tf_style").rglob("*.py"))
    return [Source(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_library_keeps(rule: Rule) -> None:
    problems = [Problem(source.path, *found) for source in sources() for found in rule(source)]
    assert not problems, "\n".join([rule.__doc__ or "", *map(str, problems)])


def test_no_file_imports_itself_by_way_of_others() -> None:
    modules = {".".join(("tf_style", *source.module)): source for source in sources()}
    graph = {
        name: {other for _, found in imports(source) for other in (found, found.rpartition(".")[0]) if other in modules}
        for name, source in modules.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_folders_stay_small() -> None:
    counts = Counter(Path(source.path).parent for source in sources() if source.module[-1] != "__init__")
    crowded = {str(folder): count for folder, count in counts.items() if count > MAX_FILES}
    assert not crowded, f"more than {MAX_FILES} files in a folder: open a room for some of them"


def test_test_files_stay_short() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "tests").rglob("*.py")}
    long = {path.relative_to(ROOT).as_posix(): count for path, count in lines.items() if count > MAX_TEST_LINES}
    assert not long, f"test files of more than {MAX_TEST_LINES} lines: split them by subject"


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
