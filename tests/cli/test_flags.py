"""The command line up to the moment where painting starts: help, flags and presets."""

import dataclasses
import importlib
import os
import subprocess
import sys

import pytest

from tests import command
from tf_style.cli import flags
from tf_style.cli.main import COMMANDS, main
from tf_style.cli.painting import stylize
from tf_style.config import DEFAULT_PRESET, ProfileOptions, StylizeConfig, StylizeFiles, WordsOptions, is_switch
from tf_style.jobs.picture import run as runner
from tf_style.presets import load_preset, preset_config, preset_names
from tf_style.version import __version__

# --- help -------------------------------------------------------------------------------------------------------------

HELP_LINES = {
    "nothing": [],
    "program": ["--help"],
    "word": ["help"],
    "version": ["--version"],
    "stylize": ["stylize", "--help"],
    "short": ["stylize", "-h"],
    "after other flags": ["stylize", "--size=64", "--help"],
    "full": ["stylize", "--helpfull"],
    "presets": ["presets", "--help"],
    "evaluate": ["evaluate", "--help"],
    "list": ["presets"],
}


@pytest.fixture(scope="module")
def helped(tmp_path_factory):
    return command.run_lines(HELP_LINES, tmp_path_factory.mktemp("help"), fresh=True)


@pytest.mark.parametrize("name", [name for name in HELP_LINES if name != "nothing"])
def test_help_goes_to_stdout_with_status_0(helped, name):
    assert helped[name].status == 0
    assert helped[name].stderr == ""
    assert helped[name].stdout.strip()


@pytest.mark.parametrize("name", HELP_LINES)
def test_help_loads_nothing_heavy(helped, name):
    assert helped[name].modules == ()


def test_without_a_command_the_commands_are_shown_with_status_2(helped):
    assert helped["nothing"].status == 2
    assert helped["nothing"].stdout == helped["program"].stdout


def test_the_programs_help_lists_every_command(helped):
    for name in ("program", "word"):
        for known, what in COMMANDS.items():
            assert f"{known} " in helped[name].stdout
            assert what in helped[name].stdout


def test_version(helped):
    assert helped["version"].stdout == f"tf-style {__version__}\n"


def shown_flags(text):
    return [line.split()[0] for line in text.splitlines() if line.startswith("  --")]


def test_stylize_helpfull_is_grouped_and_lists_each_flag_once(helped):
    text = helped["full"].stdout
    lines = text.splitlines()
    assert lines[0].startswith("usage: tf-style stylize --content=")
    fields = [
        field
        for kind in (StylizeFiles, WordsOptions, ProfileOptions, StylizeConfig)
        for field in dataclasses.fields(kind)
    ]
    wanted = [f"--[no]{field.name}" if is_switch(field) else f"--{field.name}" for field in fields]
    assert sorted(shown_flags(text)) == sorted([*wanted, "--preset"])
    for group in {field.metadata["group"] for field in fields}:
        assert f"{group}:" in lines
    assert len(lines) < 110
    assert "absl" not in text


def test_stylize_help_shows_what_matters_first(helped):
    text = helped["stylize"].stdout
    assert helped["short"].stdout == helped["after other flags"].stdout == text
    few, all_of_them = shown_flags(text), shown_flags(helped["full"].stdout)
    assert {"--content", "--style", "--output", "--preset", "--size"} < set(few) < set(all_of_them)
    assert len(few) < 16 and len(text.splitlines()) < 25
    assert f"--helpfull lists all {len(all_of_them)} flags." in text


def test_help_shows_choices_defaults_and_ranges(helped):
    text = helped["full"].stdout
    assert "(content|noise|style|network) [content]" in text
    assert f"[{StylizeConfig().size}; at least 0]" in text
    assert f"[{DEFAULT_PRESET}]" in text


def test_presets_are_listed_with_what_to_expect(helped):
    text = helped["list"].stdout
    names = preset_names()
    assert DEFAULT_PRESET in names
    for name in names:
        header = [line for line in load_preset(name).header if line]
        assert header, f"{name} says nothing about itself"
        for line in header:
            assert line in text
    titles = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert [title.split()[0] for title in titles] == names
    assert [title for title in titles if "default" in title] == [f"{DEFAULT_PRESET} (default)"]


def test_a_reader_who_stops_early_is_no_error(tmp_path):
    """As in `tf-style presets | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        process = command.start(["presets"], tmp_path, stdout=pipe)
    _, stderr = process.communicate(timeout=60)
    assert stderr == ""
    assert process.returncode == 0


# --- flags and presets ------------------------------------------------------------------------------------------------


@pytest.fixture
def parsed(monkeypatch, pictures):
    """Calls `tf-style stylize` up to the runner; returns what the runner is given."""
    calls = []
    monkeypatch.setattr(runner, "run", lambda *arguments: calls.append(arguments) or 0)

    def parse(*arguments):
        assert main(["stylize", *pictures, *map(str, arguments)]) == 0
        return calls[-1]

    return parse


def another(value, field):
    """A value of an option that is not its default."""
    if field.metadata["choices"]:
        return next(choice for choice in field.metadata["choices"] if choice != value)
    if is_switch(field):
        return value is not True
    if isinstance(value, int):
        return value + 7
    if isinstance(value, float):
        return value / 2 + 0.4
    return {"weights": "file.h5", "style_blend": (0.25, 0.75), "content_layers": ("conv1_1",)}.get(field.name)


SIMPLE_OPTIONS = [field for field in dataclasses.fields(StylizeConfig) if another(field.default, field) is not None]


@pytest.mark.parametrize("field", SIMPLE_OPTIONS, ids=lambda field: field.name)
def test_every_option_is_a_flag(parsed, field):
    value = another(field.default, field)
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    needed = {
        "palette_difference": {"palette": ("#ff0000",)},
        "noise": {"network": "arbitrary"},
        "line_search": {"optimizer": "lbfgs"},
        **dict.fromkeys(
            ("clip_weight", "clip_patch_weight", "clip_patches"), {"clip_text": "a sea", "clip_preset": "folder"}
        ),
    }.get(field.name, {})
    beside = [f"--{name}={text if isinstance(text, str) else ','.join(text)}" for name, text in needed.items()]
    beside += ["--keep_mask=mask.png"] if field.name == "keep_weight" else []
    config, _, _ = parsed(f"--{field.name}={text}", *beside)
    assert config == dataclasses.replace(preset_config(), **{field.name: value}, **needed)


def test_files_and_reports_are_flags(parsed, pictures):
    _, files, _ = parsed("--bit_depth=16", "--save_every=4", "--quiet", "--figure=f.png", "--checkpoint_seconds=0.5")
    assert (files.bit_depth, files.save_every, files.quiet, files.figure) == (16, 4, True, "f.png")
    assert files.checkpoint_seconds == 0.5
    assert f"--content={files.content}" == pictures[0]
    assert files.style == (pictures[1].removeprefix("--style="),)
    assert parsed("--noquiet")[1].quiet is False


@pytest.mark.parametrize(
    ("flag", "value"), [("jit_compile", True), ("nojit_compile", False), ("jit_compile=auto", "auto")]
)
def test_a_switch_may_be_automatic(parsed, flag, value):
    assert parsed("--jit_compile=false", f"--{flag}")[0].jit_compile == value


def test_layer_weights_are_lists(parsed):
    config, _, _ = parsed("--style_layers=conv1_1, conv2_1", "--style_layer_weights=1,0.5")
    assert config.style_layers == ("conv1_1", "conv2_1")
    assert config.style_layer_weights == (1.0, 0.5)


def test_without_a_preset_the_default_one_is_taken(parsed):
    config, _, name = parsed()
    assert config == preset_config(DEFAULT_PRESET)
    assert name == DEFAULT_PRESET


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_found_by_name(parsed, name):
    config, _, used = parsed(f"--preset={name}")
    assert config == preset_config(name)
    assert used == name


def test_a_flag_comes_before_a_preset_before_a_default(parsed, tmp_path):
    preset = tmp_path / "mine.cfg"
    preset.write_text("# Mine.\n\n--num_steps=7\n--content_weight = 3\n--style_layers=conv1_1,conv2_1\n")
    config, _, name = parsed(f"--preset={preset}", "--content_weight=5")
    assert name == "mine"
    assert config == StylizeConfig(num_steps=7, content_weight=5.0, style_layers=("conv1_1", "conv2_1"))


def test_the_last_of_a_repeated_flag_counts(parsed):
    assert parsed("--seed=1", "--seed=2")[0].seed == 2


def test_a_flagfile(parsed, tmp_path):
    flagfile = tmp_path / "flags"
    flagfile.write_text("# A comment\n--num_steps=9\n--quiet\n--style_blend=1\n")
    config, files, _ = parsed(f"--flagfile={flagfile}", "--seed=3")
    assert (config.num_steps, config.style_blend, config.seed, files.quiet) == (9, (1.0,), 3, True)


def test_every_preset_is_a_flagfile_too(parsed):
    for name in preset_names():
        path = next(folder for folder in (command.ROOT / "configs",) if folder.is_dir()) / f"{name}.cfg"
        config, _, _ = parsed(f"--flagfile={path}", f"--preset={name}")
        assert config == preset_config(name)


# --- as a program -----------------------------------------------------------------------------------------------------


def test_importing_the_package_and_the_command_line_prints_and_loads_nothing(tmp_path):
    code = f"""
import sys, tf_style, tf_style.cli.main, tf_style.cli.flags
from absl import flags
loaded = [name for name in {command.HEAVY_MODULES} if name in sys.modules]
defined = [flag for flag in flags.FLAGS.flags_by_module_dict() if flag.startswith("tf_style")]
sys.exit(f"loaded {{loaded}}, defined {{defined}}" if loaded or defined else 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=command.environment(tmp_path), cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- other ways to write it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["photo.jpg", "art.jpg", "out.png"], ["--content=photo.jpg", "--style=art.jpg", "--output=out.png"]),
        (["--size=64", "photo.jpg", "art.jpg", "--output=o.png"], ["--content=photo.jpg", "--style=art.jpg"]),
    ],
)
def test_files_may_be_given_by_position(arguments, named):
    positional = ("content", "style", "output")
    given = flags.parse("stylize", flags.Flags((StylizeFiles, StylizeConfig), positional=positional), arguments)
    expected = dict(flag.removeprefix("--").split("=") for flag in [*named, *arguments] if flag.startswith("--"))
    expected["style"] = (expected["style"],)
    assert given == expected


def test_names_of_files_may_hold_commas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Mona, Lisa.jpg").touch()

    def styles(text):
        return flags.parse("stylize", flags.Flags((StylizeFiles,)), [f"--style={text}"])["style"]

    assert styles("a.jpg, ,b.jpg") == ("a.jpg", "b.jpg")
    assert styles("Mona, Lisa.jpg") == ("Mona, Lisa.jpg",)


def test_home_expands(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    arguments = ["--content=~/a.jpg", "--style=~/b.jpg,~/c.jpg", "--output=o~.png", "--checkpoint_dir=~/state"]
    assert flags.parse("stylize", flags.Flags((StylizeFiles,)), arguments) == {
        "content": "/home/me/a.jpg",
        "style": ("/home/me/b.jpg", "/home/me/c.jpg"),
        "output": "o~.png",
        "checkpoint_dir": "/home/me/state",
    }


def test_commands_read_files_by_position(monkeypatch):
    seen = {}
    monkeypatch.setattr(runner, "run", lambda config, files, preset: seen.update(files=files) or 0)
    assert main(["stylize", "photo.jpg", "art.jpg", "out.png", "--size=64"]) == 0
    assert (seen["files"].content, seen["files"].style, seen["files"].output) == ("photo.jpg", ("art.jpg",), "out.png")
    for module, arguments, names in (
        ("picture.texture", ["texture", "art.jpg", "out.png"], ("style", "output")),
        ("picture.recolor", ["recolor", "a.jpg", "b.jpg", "out.png"], ("content", "color_from", "output")),
    ):
        job = importlib.import_module(f"tf_style.jobs.{module}")
        monkeypatch.setattr(job, "run", lambda config, files, *_: seen.update(files=files) or 0)
        assert main(arguments) == 0
        found = [getattr(seen["files"], name) for name in names]
        assert [value[0] if isinstance(value, tuple) else value for value in found] == arguments[1:]


@pytest.mark.parametrize(
    ("flag", "ours"),
    [
        ("--original_colors=1", "--preserve_color=luminance"),
        ("--content_image=a.jpg", "--content"),
        ("--style-image=a.jpg", "--style"),
        ("--num-iterations=500", "--num_steps"),
        ("--image_size=512", "--size"),
        ("--tv_weight=1", "--total_variation_weight"),
        ("--style-scale-fac=1", "--style_scale"),
        ("--style-weight=1", "--style_weight"),
        ("--gpu=0", "CUDA_VISIBLE_DEVICES"),
        ("--device=cuda", "CUDA_VISIBLE_DEVICES"),
        ("-o", "--output"),
    ],
)
def test_flags_of_other_programs_are_answered_with_ours(capsys, flag, ours):
    assert main(["stylize", flag, "x"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"tf-style: Unknown flag {flag.strip('-').partition('=')[0]}; here it is ")
    assert ours in error


def test_every_answer_is_a_flag_of_stylize():
    known = {
        field.name
        for kind in (StylizeFiles, WordsOptions, ProfileOptions, StylizeConfig)
        for field in dataclasses.fields(kind)
    }
    answers = {text.removeprefix("--").partition("=")[0] for text in flags._ELSEWHERE.values() if text.startswith("--")}
    assert answers <= known
    assert not known & set(flags._ELSEWHERE)


@pytest.mark.parametrize(
    ("given", "styles"),
    [
        (["--style=a.jpg,b.jpg"], ("a.jpg", "b.jpg")),
        (["--style=a.jpg", "--style=b.jpg", "--style=c.jpg, d.jpg"], ("a.jpg", "b.jpg", "c.jpg", "d.jpg")),
        (["--style=Mona, Lisa.jpg", "--style=a.jpg"], ("Mona, Lisa.jpg", "a.jpg")),
        (["photo.jpg", "Mona, Lisa.jpg"], ("Mona, Lisa.jpg",)),
        (["photo.jpg", "a.jpg,b.jpg"], ("a.jpg", "b.jpg")),
    ],
)
def test_several_styles(given, styles, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Mona, Lisa.jpg").touch()
    assert flags.parse("stylize", stylize.FLAGS, given)["style"] == styles
