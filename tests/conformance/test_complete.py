"""Whatever a name can stand for is in the table, so that no promise passes it by."""

from tests.conformance.table import BACKBONE_ROWS, OPTIMIZER_ROWS, TERMS
from tf_style.backbones import BACKBONES
from tf_style.ops import STATISTICS
from tf_style.optimizers import OPTIMIZERS


def test_backbones():
    assert {row.name for row in BACKBONE_ROWS} == set(BACKBONES)


def test_optimizers():
    assert {row.name for row in OPTIMIZER_ROWS} == set(OPTIMIZERS)


def test_statistics():
    assert {row.name.split("-")[1] for row in TERMS if row.name.startswith("style-")} == set(STATISTICS)
