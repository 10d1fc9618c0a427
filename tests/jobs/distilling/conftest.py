"""Photos and paintings for the tests of distillation."""

import pytest

from tests.materials import picture, tiny_kernels
from tf_style.backbones.weights import write_kernels
from tf_style.images import write_image


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distillation")
    for name, seed, count in (("photos", 0, 5), ("paintings", 100, 4)):
        (folder / name).mkdir()
        for index in range(count):
            write_image(folder / name / f"{name}_{index}.png", picture(48, 40, seed=seed + index)[0].numpy())
    write_kernels(folder / "tiny.npz", tiny_kernels())
    return folder
