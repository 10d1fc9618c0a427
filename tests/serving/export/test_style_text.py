"""Words in an exported network: the same painting as its pictures and shares give, by every way."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.materials import network_weights, tiny_encoder
from tests.networks.test_networks import stir
from tests.serving.export.exported import Served, assert_refused, pixels, small_config
from tests.serving.export.test_networks import alike, png
from tf_style import ConfigError, images
from tf_style.build.network import make_network
from tf_style.cli.main import main
from tf_style.config import StylizeConfig
from tf_style.networks.archive import write_network
from tf_style.serving.export.guards import Limits
from tf_style.serving.export.saved_model import export_model
from tf_style.words.library import StyleLibrary

pytestmark = pytest.mark.slow

CONTENT = pixels(45, 64, seed=1)
CAPTIONS = """file,title,caption
wave.png,Big Wave,stormy sea with waves | dark blue ocean
gold.webp,Gold,golden mosaic
night.tif,Night,"night, swirling stars"
town.jpg,Town,quiet town
"""
SEA = "waves of a golden sea at night"


class Case:
    """A network exported with a library of its own."""

    def __init__(self, folder):
        self.pictures = folder / "library"
        self.pictures.mkdir()
        (self.pictures / "captions.csv").write_text(CAPTIONS)
        for seed, name in enumerate(("wave.png", "gold.webp", "night.tif", "town.jpg")):
            command.write_picture(self.pictures / name, 40, 48 + seed, seed=seed)
        network = stir(make_network("arbitrary", "float32", (), tiny_encoder()))
        write_network(folder / "network.npz", {"kind": "arbitrary"}, network_weights(network, tiny_encoder()))
        self.network = str(folder / "network.npz")
        self.library = StyleLibrary.open(self.pictures)
        config = StylizeConfig(network=self.network, compute_dtype="float32", size=64)
        limits = Limits(30_000, 1, 4)
        self.version = export_model(config, folder / "served", limits=limits, warm_up_sizes=(64,), library=self.library)
        self.served = Served(self.version, intra_op_threads=1, inter_op_threads=1)

    def painted(self, text, content=CONTENT):
        answer = self.served("stylize_text", content_bytes=[png(content)], style_text=[text.encode()])
        return answer, pixels_of(answer["image_bytes"][0])

    def code(self, style):
        file = next(entry.path for entry in self.library.entries if entry.style == style)
        picture = images.to_uint8(images.read_visible(file).pixels)[np.newaxis]
        return self.served("encode_style", style=picture, size=np.int32(CONTENT.shape[1:3]))["style_code"]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return Case(tmp_path_factory.mktemp("words"))


def pixels_of(file):
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def test_words_are_their_pictures_and_shares(case):
    answer, painting = case.painted(SEA)
    wanted = case.library.search(SEA)
    assert [name.decode() for name in answer["styles"][0]] == [one.style for one in wanted]
    np.testing.assert_allclose(answer["style_blend"][0], [round(one.share, 3) for one in wanted], atol=1e-5)
    codes = np.concatenate([case.code(one.style) for one in wanted], 1)
    blended = case.served("stylize_encoded", content=CONTENT, style_code=codes, style_blend=answer["style_blend"][0])
    np.testing.assert_array_equal(painting, blended["image"][0])
    equal = case.served("stylize_encoded", content=CONTENT, style_code=codes)
    assert np.abs(equal["image"].astype(int) - painting).max() > 1, "the shares count"


def test_words_set_options(case, tmp_path):
    """The same picture as the command paints."""
    Image.fromarray(CONTENT[0]).save(tmp_path / "photo.png")
    for text in (f"muted warm {SEA}, a light touch", f"{SEA} in its own colours"):
        flags = [f"--style_text={text}", f"--style_library={case.pictures}", f"--network={case.network}"]
        files = [f"--content={tmp_path / 'photo.png'}", f"--output={tmp_path / 'out.png'}"]
        assert main(["stylize", *files, *flags, "--size=0", "--compute_dtype=float32", "--quiet"]) == 0
        _, painting = case.painted(text)
        alike(painting, np.asarray(Image.open(tmp_path / "out.png").convert("RGB")))


def test_one_sentence_for_many_pictures_or_one_for_each(case):
    files = [png(CONTENT), png(pixels(40, 50))]
    same = case.served("stylize_text", content_bytes=files, style_text=[b"sea"])
    other = case.served("stylize_text", content_bytes=files, style_text=[b"sea", b"stars"])
    assert same["image_bytes"][0] == other["image_bytes"][0]
    assert same["image_bytes"][1] != other["image_bytes"][1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "style_text must describe a picture in plain English words"),
        (b"xyzzy", "none is known of] [xyzzy]"),
        (b"sea \xff", "style_text must be UTF-8"),
        (b"sea " * 300, "style_text may have at most 1000 bytes"),
        (b"invoice", "no picture of the library is near style_text; the nearest are"),
    ],
)
def test_bad_words_are_refused(case, text, said):
    assert_refused(case.served, said, "stylize_text", content_bytes=[png(CONTENT)], style_text=[text])


def test_bad_shares_are_refused(case):
    code = np.concatenate([case.code("wave"), case.code("gold")], 1)
    for shares, said in (([1, 2, 3], "one for each style"), ([0, 0], "positive sum"), ([-1, 2], "style_blend must be")):
        given = {"content": CONTENT, "style_code": code, "style_blend": np.float32(shares)}
        assert_refused(case.served, said, "stylize_encoded", **given)
    given = {"content": CONTENT, "style_code": code[:, :0]}
    assert_refused(case.served, "style_code must hold 1 to 4 styles", "stylize_encoded", **given)


def test_words_need_a_network_for_any_style(case, tmp_path):
    for config in (small_config(), StylizeConfig(network="many_styles")):
        with pytest.raises(ConfigError, match="leave --words out"):
            export_model(config, tmp_path, library=case.library)


def test_requests_choose_here_or_there(case, tmp_path, monkeypatch, capsys):
    pytest.importorskip("grpc", reason="the extra `serving` is not installed")
    from tests.serving.server.local_server import running

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Image.fromarray(CONTENT[0]).save("photo.png")
    _, wanted = case.painted(SEA)
    there = "--signature=stylize_text"
    base = str(case.version.parent)
    with running(model_base_path=base, model_name="tf_style", rest_api_port=-1, enable_model_warmup=False) as server:
        grpc, rest = server.server.port, server.server.rest_api_port

        def ask(port, *flags):
            files = ["--content=photo.png", "--output=out.png", "--size=0"]
            status = main(["request", f"--server=127.0.0.1:{port}", *files, *flags])
            return status, capsys.readouterr().err

        for port, flags in ((grpc, [f"--style_library={case.pictures}"]), (grpc, [there]), (rest, ["--rest", there])):
            assert ask(port, f"--style_text={SEA}", *flags)[0] == 0
            alike(np.asarray(Image.open("out.png").convert("RGB")), wanted)
        said = ask(grpc, f"--style_text={SEA}, muted, subtle", f"--style_library={case.pictures}")[1]
        assert re.search(r"--style_blend=[\d.,]+ --style_strength=0.6; without saturation, which", said)
        for port, flags in ((grpc, [there]), (rest, ["--rest", there])):
            status, said = ask(port, "--style_text=xyzzy", *flags)
            assert status == 2 and "plain English words" in said and said.count("\n") == 1
