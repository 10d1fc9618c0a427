"""Words through CLIP, with a tiny random model of keras-hub: what guides is finite, seeded, exported and resumed."""

import builtins
import json
import re
import shlex

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("keras_hub", reason="the extra `clip` is not installed")

import tf_style  # noqa: E402
from tests import command  # noqa: E402
from tests.conformance.exports import assert_exports_and_reloads  # noqa: E402
from tests.encoders.clip_folder import SIDE, write_tiny_clip  # noqa: E402
from tests.materials import features_of, picture, pooled, pooled_stylizer, small_objective  # noqa: E402
from tf_style.cli.main import main  # noqa: E402
from tf_style.encoders import EncoderError, load_clip  # noqa: E402
from tf_style.losses import clip_direction_loss, clip_patch_loss, content_loss  # noqa: E402
from tf_style.types import References  # noqa: E402

WORDS = "Stormy sea"
QUICK = [flag for flag in command.SHORT if not flag.startswith(("--init", "--style_"))]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """The folder, and the model that was written into it."""
    folder = tmp_path_factory.mktemp("clip") / "tiny"
    return str(folder), write_tiny_clip(folder)


@pytest.fixture(scope="module")
def encoder(clip):
    return load_clip(clip[0])


def objective_of(encoder, **options):
    direction = encoder.direction(WORDS, "a photo")
    whole = clip_direction_loss(encoder.encode_images, direction, side=encoder.side)
    return whole + clip_patch_loss(encoder.encode_images, direction, side=encoder.side, number=3, **options)


def test_pictures_and_texts_are_encoded_as_keras_hub_does(clip, encoder):
    assert encoder.side == SIDE
    images = picture(SIDE, SIDE, seed=1, batch=2)
    mean, deviation = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    wanted = clip[1].get_vision_embeddings((images - mean) / deviation)
    np.testing.assert_allclose(encoder.encode_images(images), wanted, atol=1e-6)
    vector = encoder.encode_text(WORDS)
    assert vector.shape == (12,) and np.linalg.norm(vector) == pytest.approx(1)
    np.testing.assert_array_equal(vector, encoder.encode_text("stormy SEA"))
    assert np.abs(vector - encoder.encode_text("stormy see")).max() > 1e-3
    assert np.isfinite(encoder.encode_text("sea " * 200)).all()
    assert not encoder.direction("a sea", "A sea").any()


def test_zero_at_its_own_target(encoder):
    """Towards a picture instead of a text, the loss of that picture is 0."""
    content, image = picture(48, 40, seed=1), picture(48, 40, seed=2)
    probe = clip_direction_loss(encoder.encode_images, np.ones(12, np.float32), side=SIDE)
    start, end = (probe.targets(References({"image": one}, ()))["clip"] for one in (content, image))
    objective = clip_direction_loss(encoder.encode_images, (end - start)[0].numpy(), side=SIDE)
    targets = objective.targets(References({"image": content}, ()))
    assert float(objective({"image": image}, targets)[0]) == pytest.approx(0, abs=1e-5)
    assert float(objective({"image": content}, targets)[0]) == pytest.approx(1, abs=1e-5)


def test_gradients_are_finite_even_at_the_content(encoder):
    objective, content = objective_of(encoder, threshold=0.0), picture(40, 48, seed=1)
    targets = objective.targets(References({"image": content}, ()))
    for image in (content, picture(40, 48, seed=2)):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = objective(features_of(pooled, image), targets)
        gradient = tape.gradient(loss, image)
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0


class Tracked(tf.Module):
    """Both models, so that their variables are saved."""

    def __init__(self, encoder):
        super().__init__()
        self.variables_of_clip = [variable.value for variable in encoder.model.variables]


def test_it_traces_once_and_exports(encoder, tmp_path):
    objective = small_objective(layers=("pooled",)) + objective_of(encoder)
    stylizer = pooled_stylizer("adam", objective, num_steps=2, min_size=32)
    stylizer(picture(64, 72), [picture(36, 32)])
    assert stylizer.optimization.num_traces == 1
    assert_exports_and_reloads(stylizer, str(tmp_path), Tracked(encoder))


def test_xla_compiles_loss_and_gradient(encoder):
    objective = objective_of(encoder, threshold=0.0)
    targets = objective.targets(References({"image": picture(40, 48, seed=1)}, ()))

    def gradient(image):
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = objective({"image": image, "step": tf.constant(3)}, targets)
        return tape.gradient(loss, image)

    image = picture(40, 48, seed=2)
    wanted = gradient(image).numpy()
    compiled = tf.function(gradient, jit_compile=True, autograph=False)(image)
    np.testing.assert_allclose(compiled, wanted, atol=1e-3 * np.abs(wanted).max())


@pytest.fixture
def content(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(command.write_picture(tmp_path / "photo.png", 40, 48))


def paint(content, *flags):
    return main(["stylize", content, *QUICK, "--num_steps=4", "--clip_patches=2", *flags])


def through_clip(clip):
    return [f"--style_text={WORDS}", "--text_guidance=clip", f"--clip_preset={clip[0]}"]


def test_words_paint_without_a_style(clip, content, tmp_path, capsys):
    assert paint(content, *through_clip(clip), "--json=run.json") == 0
    said = re.search(r"^Words: through CLIP; the same as (.*)$", capsys.readouterr().err, re.MULTILINE)[1]
    assert shlex.split(said) == [f"--clip_text={WORDS}", "--style_weight=0", "--init=content"]
    painted = (tmp_path / "photo-Stormy sea.png").read_bytes()
    assert set(json.loads((tmp_path / "run.json").read_text())["losses"]) == {
        "content", "total_variation", "clip", "clip_patches"
    }  # fmt: skip
    flags = [f"--clip_preset={clip[0]}", *shlex.split(said), "--output=flags.png"]
    assert paint(content, *flags) == 0
    assert (tmp_path / "flags.png").read_bytes() == painted
    given = {"num_steps": 4, "clip_patches": 2, "jit_compile": False}
    options = dict(flag.removeprefix("--").split("=") for flag in QUICK if "=" in flag)
    python = tf_style.stylize(
        content, style_text=WORDS, text_guidance="clip", clip_preset=clip[0], **{**options, **given}
    )
    np.testing.assert_allclose(tf_style.images.read_image("flags.png").pixels, python, atol=1 / 255)


def test_a_style_may_act_as_well(clip, content, tmp_path):
    style = str(command.write_picture(tmp_path / "style.png", 40, 40, seed=1))
    assert paint(content, *through_clip(clip), f"--style={style}", "--output=both.png", "--json=run.json") == 0
    losses = json.loads((tmp_path / "run.json").read_text())["losses"]
    assert set(losses) == {"content", "style", "total_variation", "clip", "clip_patches"}


def test_a_run_that_was_stopped_goes_on_the_same(clip, encoder):
    """Places of the patches follow the step, which is part of the state."""
    stylizer = pooled_stylizer("adam", content_loss(("pooled",)) + objective_of(encoder, threshold=0.0), num_steps=4)
    content = picture(40, 48, seed=1)
    steps = list(stylizer.run(content, []))
    resumed = list(stylizer.run(content, [], (steps[1].scale, tf.nest.flatten(steps[1].state))))
    np.testing.assert_array_equal(resumed[-1].image, steps[-1].image)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--style_text=sea", "--text_guidance=clip"], "give the folder of one as clip_preset"),
        (["--style_text=sea", "--text_guidance=clip", "--clip_preset=nowhere"], "it has no config.json"),
        (["--style_text=sea", "--text_guidance=clip", "--any"], "any is for styles found by words"),
        (["--style=x.png", "--text_guidance=clip"], "give style_text as well"),
        (["--style=x.png", "--clip_patches=3"], "clip_patches is for words through CLIP"),
        (["CLIP", "--tile_size=32"], "clip_text is for pictures of up to 1024 pixels"),
        (["CLIP", "--network=arbitrary"], "is for optimisation, but network=arbitrary"),
        (["CLIP", "--style_weight=1"], "--style must be given, except with words through CLIP"),
        (["CLIP", "--source_text=stormy sea"], "are the same; describe"),
        (["CLIP", "--clip_weight=0", "--clip_patch_weight=0"], "are both 0"),
    ],
)
def test_refuses_in_one_sentence(clip, content, tmp_path, capsys, flags, said):
    flags = [flag for given in flags for flag in (through_clip(clip) if given == "CLIP" else [given])]
    flags = [*flags, "--quiet", "--output=out.png"]
    network = any(flag.startswith("--network") for flag in flags)
    assert (main(["stylize", content, *flags]) if network else paint(content, *flags)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (tmp_path / "out.png").exists()


def test_exports_refuse_it(clip, tmp_path, capsys):
    flags = [f"--clip_text={WORDS}", f"--clip_preset={clip[0]}", f"--output={tmp_path / 'model'}"]
    assert main(["export", *flags]) == 2
    assert "leave clip_text out" in capsys.readouterr().err


def test_a_folder_of_another_model(clip, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderError, match="cannot be loaded as a CLIP model"):
        load_clip(str(tmp_path))
    importing = builtins.__import__

    def without_keras_hub(name, *others):
        if name == "keras_hub":
            raise ImportError
        return importing(name, *others)

    monkeypatch.setattr(builtins, "__import__", without_keras_hub)
    with pytest.raises(EncoderError, match=r"pip install 'tf-style\[clip\]'"):
        load_clip(str(tmp_path / "..") + f"/{tmp_path.name}")
