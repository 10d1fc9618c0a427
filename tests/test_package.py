"""The wheel: it builds, holds what it must, and works where only it is installed."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from PIL import Image

from tests import command
from tf_style.networks.archive import EMBEDDED
from tf_style.presets import preset_names
from tf_style.version import __version__

pytestmark = pytest.mark.slow

BUILT_FROM = ("tf_style", "configs", "LICENSE", "NOTICE", "README.md", "pyproject.toml", "setup.cfg")


def _run(arguments, **options):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, for setuptools leaves its traces in the source folder."""
    if importlib.util.find_spec("build") is None:
        pytest.skip("`build` is not installed; the extra `dev` brings it")
    source = tmp_path_factory.mktemp("source")
    for name in BUILT_FROM:
        path = command.ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(path, source)
    folder = tmp_path_factory.mktemp("wheel")
    _run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--skip-dependency-check",
            "--outdir",
            folder,
            ".",
        ],
        cwd=source,
    )
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs' folder of an environment with the wheel in it, and this environment's packages behind it."""
    environment = tmp_path_factory.mktemp("installed") / "venv"
    _run([sys.executable, "-m", "venv", "--without-pip", environment])
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check"]
    _run([*pip, "install", "--no-deps", "--no-index", wheel])
    query = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = _run([programs / "python", "-c", query]).strip()
    paths = dict.fromkeys(sysconfig.get_paths()[name] for name in ("purelib", "platlib"))
    # As plain paths: this environment's own .pth files, which may lead to the checkout, are not read from there.
    with open(os.path.join(packages, "outer.pth"), "w", encoding="utf-8") as file:
        file.write("".join(f"{path}\n" for path in paths))
    return programs


def _elsewhere(folder):
    return {name: value for name, value in command.environment(folder).items() if name != "PYTHONPATH"}


def test_the_wheel_holds_all_modules_presets_weights_and_notices(wheel):
    assert wheel.name == f"tf_style-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(f"tf_style-{__version__}.dist-info/entry_points.txt").decode()
    modules = {path.relative_to(command.ROOT).as_posix() for path in (command.ROOT / "tf_style").rglob("*.py")}
    presets = {f"tf_style/configs/{name}.cfg" for name in preset_names()}
    presets |= {f"tf_style/networks/data/{name}.{kind}" for name in EMBEDDED for kind in ("npz", "md")}
    assert modules | presets | {"tf_style/py.typed", "tf_style/backbones/data/compact_vgg19.npz"} <= names
    for notice in ("LICENSE", "NOTICE"):
        assert any(name.endswith(f"/{notice}") for name in names)
    assert "tf-style = tf_style.cli.main:main" in entry_points
    strangers = [name for name in names if not name.startswith(("tf_style/", f"tf_style-{__version__}.dist-info/"))]
    assert not strangers


def test_the_installed_package_is_the_one_that_runs(installed, tmp_path):
    where = _run(
        [installed / "python", "-c", "import tf_style; print(tf_style.__file__)"],
        cwd=tmp_path,
        env=_elsewhere(tmp_path),
    )
    assert where.startswith(str(installed.parent))


def test_the_installed_program_lists_the_presets(installed, tmp_path):
    text = _run([installed / "tf-style", "presets"], cwd=tmp_path, env=_elsewhere(tmp_path))
    for name in preset_names():
        assert f"\n{name}" in f"\n{text}"


def test_the_installed_program_paints_with_the_embedded_backbone(installed, tmp_path):
    command.write_picture(tmp_path / "content.png", 45, 60)
    command.write_picture(tmp_path / "style.jpg", 40, 40, seed=1)
    flags = ["--content=content.png", "--style=style.jpg", "--output=out.png", "--json=record.json"]
    short = [flag for flag in command.SHORT if "backbone" not in flag]
    arguments = [installed / "tf-style", "stylize", *flags, *short]
    _run(arguments, cwd=tmp_path, env=_elsewhere(tmp_path))
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (48, 36)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["backbone"]["name"] == "compact_vgg19", "KERAS_HOME is empty"
    assert record["steps"] == 3
