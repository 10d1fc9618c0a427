"""Exported feed-forward networks, through the C++ session: they paint what the library paints, under the same names."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.materials import network_weights, tiny_encoder
from tests.networks.test_networks import stir
from tests.serving.export.exported import Served, pixels
from tf_style.build import build_feed_forward
from tf_style.build.network import make_network
from tf_style.config import StylizeConfig
from tf_style.networks.archive import write_network
from tf_style.serving.client.arguments import style_batch
from tf_style.serving.export.card import read_card
from tf_style.serving.export.guards import Limits
from tf_style.serving.export.network_signatures import ServedNetwork
from tf_style.serving.export.saved_model import export_model
from tf_style.serving.models.session import SessionError

pytestmark = pytest.mark.slow

CONTENT, STYLE = pixels(45, 64, seed=1), pixels(40, 56, seed=2)
NAMES = ("great_wave", "starry_night")
KINDS = ("arbitrary", "many_styles")


class Case:
    """A network, the library's stylizer for it, and its export in a session."""

    def __init__(self, kind, folder):
        encoder = tiny_encoder() if kind == "arbitrary" else None
        network = stir(make_network(kind, "float32", NAMES, encoder))
        card = {"kind": kind, "styles": NAMES} if kind == "many_styles" else {"kind": kind}
        write_network(folder / "network.npz", card, network_weights(network, encoder))
        self.config = StylizeConfig(network=str(folder / "network.npz"), compute_dtype="float32", size=64)
        self.stylizer = build_feed_forward(self.config)
        self.version = export_model(self.config, folder / "served", limits=Limits(30_000, 1, 4), warm_up_sizes=(64,))
        self.served = Served(self.version, intra_op_threads=1, inter_op_threads=1)
        self.named = kind == "many_styles"
        self.style = np.array([b"starry_night"], object) if self.named else STYLE
        self.file = b"starry_night" if self.named else png(STYLE)

    def painted(self, content, strength=1.0):
        style = "starry_night" if self.named else tf.constant(STYLE / np.float32(255))
        content = tf.constant(content / np.float32(255))
        code = self.stylizer.encode_styles([style], tf.shape(content))
        painting = self.stylizer.paint(content, code, tf.fill([len(content)], strength))
        return np.round(painting.numpy() * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return functools.cache(lambda kind: Case(kind, tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="module", params=KINDS)
def case(request, cases):
    return cases(request.param)


def png(picture):
    file = io.BytesIO()
    Image.fromarray(picture[0]).save(file, "PNG")
    return file.getvalue()


def alike(one, other):
    difference = np.abs(one.astype(int) - other.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_signatures_have_the_names_of_those_by_optimisation(case):
    signatures = {name for name in case.served.session.signatures if not name.startswith("__")}
    assert signatures == {"serving_default", "stylize", "stylize_bytes", "encode_style", "stylize_encoded"}


@pytest.mark.parametrize("signature", ["stylize", "serving_default"])
def test_it_paints_what_the_library_paints(case, signature):
    answer = case.served(signature, content=CONTENT, style=case.style)
    alike(answer["image"], case.painted(CONTENT))
    assert np.abs(answer["image"].astype(int) - CONTENT).mean() > 3


def test_each_picture_has_its_strength(case):
    contents = np.concatenate([CONTENT, CONTENT])
    answer = case.served("stylize", content=contents, style=case.style, style_strength=np.float32([0.0, 0.5]))
    np.testing.assert_array_equal(answer["image"][0], CONTENT[0])
    alike(answer["image"][1], case.painted(CONTENT, 0.5)[0])


def test_a_style_encoded_once(case):
    code = case.served("encode_style", style=case.style, size=np.int32(CONTENT.shape[1:3]))["style_code"]
    answer = case.served("stylize_encoded", content=CONTENT, style_code=code)
    np.testing.assert_array_equal(answer["image"], case.served("stylize", content=CONTENT, style=case.style)["image"])


def test_files_in_files_out(case):
    answer = case.served("stylize_bytes", content_bytes=np.array([png(CONTENT)], object),
                         style_bytes=np.array([case.file], object))  # fmt: skip
    painting = np.asarray(Image.open(io.BytesIO(answer["image_bytes"][0])).convert("RGB"))
    alike(painting[None], case.painted(CONTENT))


def test_the_card_says_which_network(case):
    _, card = read_card(case.version)
    assert card["network"]["kind"] in KINDS
    assert card["network"].get("styles") == (list(NAMES) if case.named else None)
    assert "backbone" not in card


def bad_inputs(case):
    content, style = CONTENT, case.style
    yield {"content": content[0], "style": style}
    yield {"content": content[:, :16], "style": style}
    yield {"content": content[:0], "style": style}
    for strength in (-0.1, 1.5, np.nan):
        yield {"content": content, "style": style, "style_strength": np.float32([strength])}
    yield {"content": content, "style": style, "style_strength": np.float32([1.0, 1.0])}
    yield {"content": content, "style": np.array([b"", b"x"], object) if case.named else style[:, :, :8]}


def test_bad_inputs_are_refused_and_the_next_good_one_is_painted(case):
    for inputs in bad_inputs(case):
        with pytest.raises(SessionError) as caught:
            case.served("stylize", **inputs)
        assert getattr(caught.value, "code", "") in ("INVALID_ARGUMENT", 3), caught.value
    alike(case.served("stylize", content=CONTENT, style=case.style)["image"], case.painted(CONTENT))


def test_an_unknown_style_is_named(cases):
    case = cases("many_styles")
    with pytest.raises(SessionError, match="must name styles of great_wave, starry_night"):
        case.served("stylize", content=CONTENT, style=np.array([b"grate_wave"], object))


@pytest.mark.parametrize("preserve_color", ["linear", "histogram", "luminance"])
@pytest.mark.usefixtures("eagerly")
def test_colors_are_kept(tmp_path, preserve_color):
    """Matched after painting, for a served style is encoded without a content."""
    network = stir(make_network("many_styles", "float32", NAMES, None))
    write_network(tmp_path / "network.npz", {"kind": "many_styles", "styles": NAMES}, network_weights(network, None))
    plain = StylizeConfig(network=str(tmp_path / "network.npz"), compute_dtype="float32", size=64)
    keeping = plain.replace(preserve_color=preserve_color, color_stage="after")
    stylize = ServedNetwork(build_feed_forward(keeping), keeping, Limits(30_000, 1, 4)).signatures()["stylize"]
    answer = stylize(content=tf.constant(CONTENT), style=tf.constant([b"starry_night"]))["image"].numpy()

    def painted(config):
        return np.round(build_feed_forward(config)(tf.constant(CONTENT / np.float32(255)), ["starry_night"]) * 255)

    expected = painted(keeping)
    assert np.abs(answer - expected).mean() < 0.5  # a level that differs moves others in a histogram
    wanted, kept, changed = (image.mean((0, 1, 2)) for image in (CONTENT, answer, painted(plain)))
    assert np.abs(kept - wanted).max() < np.abs(changed - wanted).max()


def test_clients_send_names_and_pictures():
    assert style_batch("a") == style_batch(["a"]) == [b"a"]
    assert style_batch(("a", "b")) == [b"a", b"b"]
    np.testing.assert_array_equal(style_batch(STYLE[0]), STYLE)


def test_xla_compiles_the_exported_signature(cases):
    """TensorFlow Serving has XLA off, but who loads the model in Python may want it."""
    model = tf.saved_model.load(str(cases("arbitrary").version))
    function = model.signatures["stylize"]
    given = {"content": tf.constant(CONTENT), "style": tf.constant(STYLE), "style_strength": tf.ones([1])}
    compiled = tf.function(lambda **given: function(**given), jit_compile=True)(**given)["image"]
    assert np.abs(function(**given)["image"].numpy().astype(int) - compiled.numpy()).max() <= 1
