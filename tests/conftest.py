"""Fixtures for all tests: a seeded tiny backbone, seeded pictures, and the real VGG-19 where it is given."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

import pathlib
import tempfile

import pytest

pytest.register_assert_rewrite(
    "tests.serving.export.exported", "tests.materials", "tests.conformance.exports", "tests.images.files"
)

from tests import command  # noqa: E402
from tests.materials import picture, tiny_vgg  # noqa: E402
from tests.serving.export.exported import FOLDER_VARIABLE  # noqa: E402

EXPORTS = pytest.StashKey[tempfile.TemporaryDirectory]()
WEIGHTS_VARIABLE = "TF_STYLE_VGG19_WEIGHTS"


def pytest_configure(config):
    """Processes that share the tests share exported models: their folder is made by the first, and deleted by it."""
    if FOLDER_VARIABLE not in os.environ:
        config.stash[EXPORTS] = tempfile.TemporaryDirectory(prefix="tf_style_exports_")
        os.environ[FOLDER_VARIABLE] = config.stash[EXPORTS].name


def pytest_unconfigure(config):
    if EXPORTS in config.stash:
        config.stash[EXPORTS].cleanup()
        del os.environ[FOLDER_VARIABLE]


def pytest_collection_finish():
    """Garbage is looked for seldom, and not among what is loaded by now: of the many objects of a trace, few are."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def content():
    """Float32 [1, 32, 40, 3] in [0, 1]."""
    return picture(32, 40, seed=1)


@pytest.fixture
def style():
    """Float32 [1, 36, 32, 3] in [0, 1]: another size than the content's."""
    return picture(36, 32, seed=2)


@pytest.fixture(scope="module")
def at_their_size():
    """Networks paint small pictures, too, at the size they have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tf_style.build.stylizer._SMALL", 0)
        yield


@pytest.fixture(scope="session")
def backbone():
    """A narrow random VGG as deep as the losses look by default."""
    return tiny_vgg()


@pytest.fixture(scope="session")
def shallow():
    """The same, only as deep as block2_conv1: cheap to trace."""
    return tiny_vgg(("block1_conv1", "block2_conv1"))


@pytest.fixture
def eagerly():
    """For many short runs, each of which would be traced anew; see `command.eagerly`."""
    with command.eagerly():
        yield


@pytest.fixture(scope="session")
def vgg19_weights():
    """The path of the real VGG-19's `notop` file. Tests that use it carry the marker `weights`."""
    path = os.environ.get(WEIGHTS_VARIABLE, "")
    if not path:
        pytest.skip(f"{WEIGHTS_VARIABLE} does not name Keras's VGG-19 notop file")
    if not pathlib.Path(path).is_file():
        pytest.fail(f"{WEIGHTS_VARIABLE} names {path}, which is not a file")
    return path
