"""`tf-style evaluate`: the measures, which pictures belong together, the table, the record, and every refusal."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import command
from tests.materials import CONTENT_LAYERS, STYLE_LAYERS, assert_one_sentence, flat_picture, picture, tiny_vgg
from tf_style.cli.main import main
from tf_style.config import ConfigError, EvaluateConfig, EvaluateFiles
from tf_style.config import evaluate as evaluate_options
from tf_style.config import stylize as stylize_options
from tf_style.evaluation import Evaluation
from tf_style.jobs.evaluating import session as evaluation_session
from tf_style.jobs.evaluating.pairs import Pair, find_pairs
from tf_style.jobs.evaluating.pictures import PictureReader
from tf_style.jobs.evaluating.table import COLUMNS, medians, table
from tf_style.losses import content_loss, style_loss
from tf_style.ops import structural_similarity
from tf_style.types import References


def pixels(image):
    """The least of backbones: the picture is its only layer."""
    return {"pixels": image}


@pytest.fixture(scope="module")
def evaluation():
    return Evaluation(tiny_vgg(), STYLE_LAYERS, CONTENT_LAYERS)


def flat_color(color, height=32, width=32):
    return tf.broadcast_to(tf.constant(color, tf.float32), [1, height, width, 3])


def measured(evaluation, painting, content, style):
    """The measures of one painting as numbers."""
    measures = evaluation(painting, content, evaluation.style_targets(style))
    return tf.nest.map_structure(lambda tensor: float(tensor[0]), measures)


# --- measures ---------------------------------------------------------------------------------------------------------


def test_known_gram_matrices():
    """Of a flat picture of colour c the Gram matrix is the outer product of c with itself."""
    evaluation = Evaluation(pixels, ["pixels"], ["pixels"])
    grey, white = flat_picture(0.5), flat_picture(1.0)
    red, green = flat_color((1.0, 0.0, 0.0)), flat_color((0.0, 1.0, 0.0))
    found = measured(evaluation, red, white, green)
    assert found.style_distance == pytest.approx(2.0)  # (1 + 1) / 1
    assert found.content_distance == pytest.approx(2 / 3)
    found = measured(evaluation, grey, white, white)
    assert found.style_distance == pytest.approx(0.75**2)  # 0.25 in the place of 1
    assert found.content_distance == pytest.approx(0.25)


def test_a_painting_that_is_its_content(evaluation):
    content = picture(seed=1)
    measures = measured(evaluation, content, content, picture(36, 32, seed=2))
    assert measures.content_distance == 0
    assert measures.structural_similarity == pytest.approx(1.0)
    assert measures.style_distance > 0


def test_a_painting_that_is_its_style(evaluation):
    style = picture(seed=2)
    measures = measured(evaluation, style, picture(seed=1), style)
    assert measures.style_distance == 0
    assert measures.content_distance > 0
    assert measures.structural_similarity < 0.9
    assert set(measures.style_distance_by_layer) == set(STYLE_LAYERS)
    assert not any(measures.style_distance_by_layer.values())


def test_distances_are_those_of_the_definition(evaluation):
    """Written out in NumPy: squares of differences over squares of targets, layer by layer."""
    painting, content, style = picture(seed=1), picture(seed=2), picture(36, 32, seed=3)
    found = measured(evaluation, painting, content, style)
    features = [
        {name: values.numpy()[0].astype(np.float64) for name, values in evaluation.backbone(image).items()}
        for image in (painting, content, style)
    ]
    by_layer = []
    for layer in STYLE_LAYERS:
        flat, _, target = (values[layer].reshape(-1, values[layer].shape[-1]) for values in features)
        gram, target = flat.T @ flat / len(flat), target.T @ target / len(target)
        by_layer.append(np.sum((gram - target) ** 2) / np.sum(target**2))
        assert found.style_distance_by_layer[layer] == pytest.approx(by_layer[-1], rel=1e-4)
    assert found.style_distance == pytest.approx(np.mean(by_layer), rel=1e-4)
    own, target = (values[CONTENT_LAYERS[0]] for values in features[:2])
    assert found.content_distance == pytest.approx(np.sum((own - target) ** 2) / np.sum(target**2), rel=1e-4)


def test_distances_are_the_engines_losses(evaluation):
    painting, content, style = picture(seed=1), picture(seed=2), picture(36, 32, seed=3)
    found = measured(evaluation, painting, content, style)
    own, *others = map(evaluation.backbone, (painting, content, style))
    for objective, value in (
        (style_loss(STYLE_LAYERS), found.style_distance),
        (content_loss(CONTENT_LAYERS), found.content_distance),
    ):
        loss = objective(own, objective.targets(References(others[0], (others[1],))))
        assert value == pytest.approx(float(loss[0]), rel=1e-5)


def test_structural_similarity_is_of_luminance():
    flat = structural_similarity(flat_picture(0.2), flat_picture(0.6))
    assert float(flat[0]) == pytest.approx((2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4), rel=1e-3)
    red, grey = flat_color((0.5, 0.0, 0.0)), flat_picture(0.5 * 0.2989)
    assert float(structural_similarity(red, grey)[0]) == pytest.approx(1.0, abs=1e-3)


def test_two_traces_for_all_pictures_and_sizes():
    evaluation = Evaluation(tiny_vgg(), STYLE_LAYERS, CONTENT_LAYERS)
    for number, (height, width) in enumerate([(32, 40), (40, 32), (33, 47), (64, 64)]):
        style = evaluation.style_targets(picture(32 + number, 50 - number, seed=number))
        evaluation(picture(height, width, seed=number), picture(height, width, seed=number + 9), style)
    assert evaluation.num_traces == 2, "one for styles, one for paintings"


def test_a_batch_is_its_pictures(evaluation):
    paintings, contents = picture(seed=1, batch=2), picture(seed=2, batch=2)
    style = evaluation.style_targets(picture(36, 32, seed=3))
    both = evaluation(paintings, contents, style)
    for number in range(2):
        one = evaluation(paintings[number : number + 1], contents[number : number + 1], style)
        for whole, part in zip(tf.nest.flatten(both), tf.nest.flatten(one), strict=True):
            assert float(whole[number]) == pytest.approx(float(part[0]), rel=1e-4)


# --- pairs ------------------------------------------------------------------------------------------------------------


def files(content="c.png", style="s.png", painting="p.png", **more):
    lists = {"content": content, "style": style, "painting": painting}
    return EvaluateFiles(**{name: tuple(text.split(",")) for name, text in lists.items()}, **more)


def test_lists_pair_up_by_position():
    assert find_pairs(files("a,b", "s,t", "p,q")) == [Pair("a", "s", "p"), Pair("b", "t", "q")]


def test_a_list_of_one_serves_for_all():
    assert find_pairs(files("a", "s,t", "p,q")) == [Pair("a", "s", "p"), Pair("a", "t", "q")]
    assert find_pairs(files("a,b", "s", "p,q")) == [Pair("a", "s", "p"), Pair("b", "s", "q")]
    assert find_pairs(files()) == [Pair("c.png", "s.png", "p.png")]


@pytest.mark.parametrize(
    ("lists", "parts"),
    [
        (("a,b", "s", "p,q,r"), ["2 pictures", "--content", "3 paintings"]),
        (("a", "s,t,u", "p,q"), ["3 pictures", "--style", "2 paintings"]),
        (("a,b", "s", "p"), ["2 pictures", "--content", "1 painting "]),
    ],
)
def test_lists_of_other_lengths_are_refused(lists, parts):
    with pytest.raises(ConfigError) as refusal:
        files(*lists)
    assert_one_sentence(refusal.value)
    for part in parts:
        assert part in str(refusal.value)


def csv_pairs(folder, text, encoding="utf-8"):
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return find_pairs(EvaluateFiles(pairs=str(path)))


def test_a_csv_file_names_pairs_from_its_folder(tmp_path):
    text = 'content,style,painting\na.png,s.png,out/p.png\n\n"b,c.png", t.png ,/else/q.png\n'
    wanted = [
        Pair(str(tmp_path / "a.png"), str(tmp_path / "s.png"), str(tmp_path / "out" / "p.png")),
        Pair(str(tmp_path / "b,c.png"), str(tmp_path / "t.png"), "/else/q.png"),
    ]
    assert csv_pairs(tmp_path, text) == wanted
    assert csv_pairs(tmp_path, text.replace("\n", "\r\n"), "utf-8-sig") == wanted, "as spreadsheets write it"


def test_columns_come_in_any_order_and_others_are_left_alone(tmp_path):
    (pair,) = csv_pairs(tmp_path, "method,painting,content,style\nours,p,c,s\n")
    assert pair == Pair(*(str(tmp_path / name) for name in "csp"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["content,style,painting", "''"]),
        ("a.png,s.png,p.png\n", ["content,style,painting", "'a.png,s.png,p.png'"]),
        ("content;style;painting\na;s;p\n", ["content,style,painting", "'content;style;painting'"]),
        ("content,style,painting,style\na,s,p,t\n", ["once"]),
        ("content,style,painting\n", ["no painting", "row"]),
        ("content,style,painting\na,s,p\na,s\n", ["Line 3", "2 values", "3 columns"]),
        ("content,style,painting\na,s,p,q\n", ["Line 2", "4 values"]),
        ("content,style,painting\na,,p\n", ["Line 2", "no style"]),
        ('content,style,painting\n"a,s,p\n', ["not a CSV file"]),
    ],
)
def test_other_csv_files_are_refused(tmp_path, text, parts):
    with pytest.raises(ConfigError) as refusal:
        csv_pairs(tmp_path, text)
    assert_one_sentence(refusal.value)
    for part in ["pairs.csv", *parts]:
        assert part in str(refusal.value)


def test_a_csv_file_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="UTF-8"):
        csv_pairs(tmp_path, "content,style,painting\nä,ö,ü\n", "latin-1")
    with pytest.raises(ConfigError, match="cannot be read"):
        find_pairs(EvaluateFiles(pairs=str(tmp_path)))


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_sizes(tmp_path):
    """Paintings to the long side, the content to the painting's exact size, styles reduced only."""
    painting = command.write_picture(tmp_path / "p.png", 45, 60)
    content = command.write_picture(tmp_path / "c.png", 151, 200)
    small, large = (command.write_picture(tmp_path / f"{side}.png", side, side + 8) for side in (40, 100))
    reader = PictureReader(96, 10**6)
    read = reader.read(Pair(str(content), str(small), str(painting)))
    assert (read.painting.size, read.content.size, read.style.size) == ((72, 96), (72, 96), (40, 48))
    assert read.note == ""
    again = reader.read(Pair(str(content), str(large), str(painting)))
    assert again.style.size == (89, 96)
    assert again.content is read.content, "read once for paintings of one size"
    other = reader.read(Pair(str(small), str(small), str(painting)))
    assert other.content.size == (72, 96)
    assert "aspect" in other.note
    assert_one_sentence(other.note)


# --- table ------------------------------------------------------------------------------------------------------------


def row(painting, *values):
    return {"painting": painting, **dict(zip(COLUMNS, values, strict=True))}


def test_the_table_is_aligned_and_ends_with_medians():
    rows = [row("a.png", 0.5, 10.25, 1.0), row("longer.png", 0.1, 0.2, 0.3), row("c.png", 0.3, 0.4, -0.1)]
    assert table(rows).splitlines() == [
        "painting    style distance  content distance  structural similarity",
        "a.png               0.5000           10.2500                 1.0000",
        "longer.png          0.1000            0.2000                 0.3000",
        "c.png               0.3000            0.4000                -0.1000",
        "median              0.3000            0.4000                 0.3000",
    ]
    assert "median" not in table(rows[:1])
    assert medians(rows[:2]) == pytest.approx(dict(zip(COLUMNS, (0.3, 5.225, 0.65), strict=True)))


def test_the_table_can_be_written_anywhere():
    assert "\\xe4\\u2014.png" in table([row("ä—.png", 0, 0, 0)], "ascii")
    assert "\\udcff.png" in table([row("\udcff.png", 0, 0, 0)])
    assert "a\\nb.png" in table([row("a\nb.png", 0, 0, 0)])


# --- the command in this process, with a tiny backbone ----------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch, evaluation):
    """Pictures, and a command that judges by the tiny backbone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluation_session, "build_evaluation", lambda config: evaluation)
    command.write_picture(tmp_path / "content.png", 45, 60)
    command.write_picture(tmp_path / "style.png", 45, 60, seed=1)
    command.write_picture(tmp_path / "painting.png", 48, 64, seed=2)
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def evaluate(*flags, content="content.png", style="style.png", painting="painting.png"):
    lists = [f"--content={content}", f"--style={style}", f"--painting={painting}"]
    return main(["evaluate", *lists, "--size=48", "--backbone=compact_vgg19", *flags])


def test_a_run(folder, capsys):
    assert evaluate("--json=new/record.json", painting="painting.png,content.png,style.png") == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines] == ["painting", "painting.png", "content.png", "style.png", "median"]
    assert lines[2][2:] == ["0.0000", "1.0000"], "the content itself"
    assert lines[3][1] == "0.0000", "the style itself"
    assert "compact_vgg19" in err
    assert "as asked" in err
    assert "3/3" in err

    record = json.loads((folder / "new" / "record.json").read_text())
    assert record["settings"] == dataclasses.asdict(EvaluateConfig(size=48, backbone="compact_vgg19"))
    assert record["backbone"]["name"] == "compact_vgg19"
    assert record["versions"]["tf_style"]
    assert record["failures"] == []
    assert [entry["painting"] for entry in record["rows"]] == ["painting.png", "content.png", "style.png"]
    first = record["rows"][0]
    assert first["size"] == [36, 48]
    assert first["content"] == "content.png"
    assert set(first["style_distance_by_layer"]) == set(STYLE_LAYERS)
    assert first["style_distance"] == pytest.approx(np.mean(list(first["style_distance_by_layer"].values())))
    assert f"{first['style_distance']:.4f}" == lines[1][1]
    for name in COLUMNS:
        assert record["medians"][name] == np.median([entry[name] for entry in record["rows"]])
    assert [path.name for path in (folder / "new").iterdir()] == ["record.json"]


def test_quiet_leaves_the_table(folder, capsys):
    assert evaluate("--quiet") == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 2
    assert err == ""


def test_pairs_from_a_file_give_the_same_numbers(folder, capsys, monkeypatch, tmp_path):
    assert evaluate("--quiet") == 0
    wanted = capsys.readouterr().out.splitlines()[1].split()[1:]
    (folder / "pairs.csv").write_text("content,style,painting\ncontent.png,style.png,painting.png\n")
    monkeypatch.chdir("/")
    assert main(["evaluate", f"--pairs={folder / 'pairs.csv'}", "--size=48", "--quiet"]) == 0
    name, *found = capsys.readouterr().out.splitlines()[1].split()
    assert (name, found) == (str(folder / "painting.png"), wanted)


@pytest.mark.parametrize("bad", ["nowhere.png", "text.png"])
def test_one_bad_picture_among_many(folder, capsys, bad):
    assert evaluate("--quiet", "--json=r.json", painting=f"painting.png,{bad},content.png") == 1
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["painting", "painting.png", "content.png", "median"]
    assert err.startswith(f"tf-style: {bad} is left out: '{bad}' ")
    assert err.count("\n") == 1
    (failure,) = json.loads((folder / "r.json").read_text())["failures"]
    assert failure["painting"] == bad
    assert bad in failure["error"]


def test_the_order_is_kept_when_bad_ones_come_first(folder, capsys):
    content = "nowhere.png,content.png,content.png,text.png"
    assert evaluate("--quiet", content=content, painting="painting.png,style.png,painting.png,painting.png") == 1
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == ["style.png", "painting.png"]
    assert err.count("painting.png is left out") == 2


def test_the_table_survives_a_record_that_cannot_be_written(folder, capsys, monkeypatch):
    def full(path, record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tf_style.jobs.run.record.write_record", full)
    assert evaluate("--quiet", "--json=r.json") == 1
    out, err = capsys.readouterr()
    assert "painting.png" in out
    assert "No space left" in err


def test_the_layers_exist_in_every_backbone_and_are_those_of_stylize():
    config = stylize_options.StylizeConfig()
    assert config.content_layers == evaluate_options.CONTENT_LAYERS == CONTENT_LAYERS
    assert config.style_layers == stylize_options.STYLE_LAYERS == STYLE_LAYERS


# --- refusals without TensorFlow --------------------------------------------------------------------------------------

GOOD = {"--content": "content.png", "--style": "style.png", "--painting": "painting.png", "--size": "48"}
REFUSALS = {
    "no lists": ([], {"--content": None, "--style": None, "--painting": None}, ["--content, --style, --painting must"]),
    "no style": ([], {"--style": None}, ["--style must be given", "--pairs=FILE"]),
    "both": (["--pairs=pairs.csv"], {"--style": None}, ["--pairs", "--content, --painting", "either"]),
    "lengths": ([], {"--content": "a.png,b.png"}, ["2 pictures", "--content", "1 painting "]),
    "missing painting": ([], {"--painting": "paintnig.png"}, ["'paintnig.png' does not exist", "'painting.png'"]),
    "missing everywhere": ([], {"--style": "no.png", "--painting": "painting.png,content.png"}, ["'no.png' does not"]),
    "all bad": ([], {"--style": "text.png", "--painting": "painting.png,content.png"}, ["'text.png' is not a picture"]),
    "not a picture": ([], {"--content": "text.png"}, ["'text.png' is not a picture"]),
    "too many pixels": (["--max_pixels=2000"], {}, ["2,000", "--max_pixels"]),
    "large size": (["--size=9999", "--max_pixels=90000"], {}, ["9999", "--max_pixels=90000", "lower --size"]),
    "long and thin": ([], {"--painting": "long.png"}, ["'long.png'", "48", "at least 32", "raise --size"]),
    "long style": ([], {"--style": "long.png"}, ["'long.png'", "at least 32"]),
    "small size": (["--size=16"], {}, ["size", "at least 32", "16"]),
    "no size": (["--size=large"], {}, ["size", "whole number", "'large'"]),
    "backbone": (["--backbone=vgg91"], {}, ["vgg16", "'vgg91'", "Did you mean 'vgg19'?"]),
    "weights": (["--weights=nowhere.h5"], {}, ["--weights=nowhere.h5"]),
    "record over an input": (["--json=./painting.png"], {}, ["--json", "input"]),
    "record is a folder": (["--json=."], {}, ["--json"]),
    "flag of another command": (["--num_steps=3"], {}, ["num_steps", "evaluate --help"]),
    "missing pairs": (
        ["--pairs=nowhere.csv"],
        dict.fromkeys(("--content", "--style", "--painting")),
        ["--pairs=nowhere.csv", "No such file"],
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    for seed, name in enumerate(("content.png", "style.png", "painting.png")):
        command.write_picture(folder / name, 45, 60, seed=seed)
    command.write_picture(folder / "long.png", 32, 400)
    (folder / "text.png").write_text("no picture")
    lines = {}
    for name, (flags, other, _) in REFUSALS.items():
        given = [f"{flag}={value}" for flag, value in {**GOOD, **other}.items() if value is not None]
        lines[name] = ["evaluate", *given, *flags]
    return command.run_lines(lines, folder, fresh=True)


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_in_one_sentence_before_tensorflow_loads(refused, name):
    outcome = refused[name]
    assert outcome.status == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("tf-style: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    for part in REFUSALS[name][2]:
        assert part in outcome.stderr
    assert "tensorflow" not in outcome.modules
    assert "keras" not in outcome.modules


# --- as a program -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_program(tmp_path):
    """The embedded backbone, real files, and nothing on standard output but the table."""
    command.write_picture(tmp_path / "content.png", 45, 60)
    command.write_picture(tmp_path / "style.jpg", 50, 40, seed=1)
    Image.open(tmp_path / "content.png").save(tmp_path / "copy.webp", lossless=True)
    flags = ["--content=content.png", "--style=style.jpg", "--painting=copy.webp,style.jpg", "--size=64"]
    done = command.run(["evaluate", *flags, "--json=record.json"], tmp_path)
    assert done.status == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["painting", "copy.webp", "style.jpg", "median"]
    assert lines[1][2:] == ["0.0000", "1.0000"]
    said = done.stderr.splitlines()
    assert said[0].startswith("Backbone compact_vgg19 in float32 judges (embedded")
    assert "style.jpg has another aspect than content.png" in done.stderr
    assert not [line for line in said if "oneDNN" in line or "WARNING" in line]
    assert json.loads((tmp_path / "record.json").read_text())["backbone"]["name"] == "compact_vgg19"


@pytest.mark.slow
def test_unusable_weights_are_refused_in_one_sentence(tmp_path):
    command.write_picture(tmp_path / "content.png", 45, 60)
    (tmp_path / "other.h5").write_text("no weights")
    flags = [f"--{name}=content.png" for name in ("content", "style", "painting")]
    done = command.run(["evaluate", *flags, "--weights=other.h5", "--quiet"], tmp_path)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("tf-style: other.h5 does not hold vgg19 weights")
    assert done.stderr.count("\n") == 1
