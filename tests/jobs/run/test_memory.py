"""What does not fit into memory is refused in a sentence, before and while it is painted."""

from pathlib import Path

import pytest
import tensorflow as tf

from tests.materials import assert_one_sentence, picture
from tf_style import images
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.folder.painter import WholePainter
from tf_style.jobs.folder.plan import Job
from tf_style.jobs.picture import run as image
from tf_style.jobs.picture.session import Session
from tf_style.jobs.run import memory

SMALL = StylizeConfig(size=0, backbone="compact_vgg19", min_size=0)


@pytest.fixture
def files(tmp_path):
    for name in ("content.png", "style.png"):
        images.write_image(tmp_path / name, picture(48, 64, seed=1)[0].numpy())
    return StylizeFiles(str(tmp_path / "content.png"), (str(tmp_path / "style.png"),), str(tmp_path / "out.png"))


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"network": "arbitrary"}, "--preset=draft"),
        ({"tileable": True}, "leave out --tileable"),
        ({"backbone": "vgg19"}, "TIFF, PNG or JPEG"),
    ],
)
def test_before(options, advice, monkeypatch):
    config = StylizeConfig(**options)
    memory.check_memory(config, (1024, 1024))
    monkeypatch.setattr(memory, "total_memory", lambda: 16_000_000_000)
    with pytest.raises(images.ImageError, match=f"16 GB.*{advice}") as caught:
        memory.check_memory(config, (8192, 8192))
    assert_one_sentence(caught.value)
    monkeypatch.setattr(memory, "total_memory", lambda: None)  # a system that does not say
    memory.check_memory(config, (8192, 8192))


def test_this_machine_says_how_much_it_has():
    assert memory.total_memory() > 1e9


def test_single_pictures_and_folders_ask(files, monkeypatch):
    monkeypatch.setattr(memory, "total_memory", lambda: 1000)
    with pytest.raises(images.ImageError, match="64 x 48 pixels in one piece"):
        image.run(SMALL, files, "fine")
    painter = WholePainter(SMALL, files, None, None, None)
    with pytest.raises(images.ImageError, match="64 x 48 pixels in one piece"):
        raise painter._read(Job("content.png", Path(files.content), Path(files.output)))


@pytest.mark.parametrize("error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")])
def test_while_it_is_painted(error, files, monkeypatch, capsys):
    def steps(self):
        raise error
        yield

    monkeypatch.setattr(Session, "steps", steps)
    with pytest.raises(images.ImageError, match="not enough memory to paint 64 x 48 pixels") as caught:
        image.run(SMALL, files, "fine")
    assert_one_sentence(caught.value)
