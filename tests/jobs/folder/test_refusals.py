"""What a folder of pictures cannot be is refused in one sentence, before TensorFlow loads."""

import pytest

from tests import command
from tests.jobs.folder.photos import files_in, write_pictures, write_tiny_network

# name -> (flags over those of a run that would work, what the sentence must hold)
REFUSALS = {
    "figure": (["--figure=figure.png"], ["--figure", "single pictures", "photos"]),
    "checkpoint": (["--checkpoint_dir=state"], ["--checkpoint_dir", "single pictures"]),
    "previews": (["--save_every=2"], ["--save_every", "single pictures"]),
    "board": (["--tensorboard_dir=board"], ["--tensorboard_dir", "single pictures"]),
    "same folder": (["--output=photos"], ["--output=photos", "painted again"]),
    "folder in it": (["--output=photos/new/out"], ["--output=photos/new/out", "painted again"]),
    "roundabout": (["--output=out/../photos/sub"], ["painted again"]),
    "linked folder": (["--output=link/out"], ["painted again"]),
    "a picture's name": (["--output=out.png"], ["'photos' is a folder", "out.png", "--format"]),
    "a file": (["--output=style"], ["is a file"]),
    "empty folder": (["--content=empty"], ["'empty' holds no picture that can be read", "JPEG"]),
    "no picture in it": (["--content=texts"], ["'texts' holds no picture that can be read", "2 files"]),
    "over a style": (["--content=styles", "--output=.", "--format=jpg"], ["style.jpg", "input"]),
    "into the content": (["--content=nest/nest", "--output=."], ["painted again"]),
    "record over a painting": (["--json=out/a.png"], ["--json=out/a.png", "painting of a.jpg"]),
    "record over a content": (["--json=photos/a.jpg"], ["--json=photos/a.jpg", "input"]),
    "format": (["--format=gif"], ["format", "png, jpg, webp, avif, tif", "'gif'"]),
    "depth": (["--format=webp", "--bit_depth=16"], ["16 bits", ".png"]),
    "no pass": (["--batch_size=0"], ["batch_size", "at least 1"]),
    "shares": (["--style_blend=1,2"], ["2 shares"]),
    "style": (["--style=nowhere.jpg"], ["'nowhere.jpg' does not exist"]),
    "folder of no styles": (["--style=empty"], ["'empty' holds no picture that can be read"]),
    "figure of pairs": (["--style=styles", "--figure=f.png"], ["--figure", "--style is a folder"]),
    "masks of pairs": (["--style=styles", "--style_masks=a.png,b.png"], ["style_masks", "--style is a folder"]),
    "pairs into the styles": (["--style=styles", "--output=styles/out"], ["folder of --style", "styles"]),
    "pairs to a picture": (["--style=styles", "--output=out.png"], ["--output must be a folder"]),
    "record over a painting of pairs": (["--style=styles", "--json=out/a--style.png"], ["--json", "this run"]),
    "unknown style": (["--network=network.npz", "--style=c"], ["'c'", "a, b"]),
    "weights": (["--weights=nowhere.h5"], ["nowhere.h5"]),
    "format of a picture": (["--content=photos/a.jpg", "--output=out.png", "--format=jpg"], ["--format", "folders"]),
    "skip of a picture": (["--content=photos/a.jpg", "--output=out.png", "--skip_existing"], ["--skip_existing"]),
    "pass of a picture": (["--content=photos/a.jpg", "--output=out.png", "--batch_size=2"], ["--batch_size"]),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    write_pictures(folder)
    write_tiny_network(folder / "network.npz")
    for name in ("empty", "texts", "styles", "nest/nest/nest/nest"):
        (folder / name).mkdir(parents=True)
    for name in ("a.png", "b.jpg"):
        (folder / "texts" / name).write_text("no picture")
    command.write_picture(folder / "styles" / "style.png")
    command.write_picture(folder / "nest" / "nest" / "nest" / "nest" / "a.png")
    (folder / "style").write_text("a file")
    (folder / "link").symlink_to("photos")
    before = files_in(folder)
    good = ["stylize", "--content=photos", "--style=style.jpg", "--output=out", "--size=48"]
    outcomes = command.run_lines(
        {name: command.over(good, flags) for name, (flags, _) in REFUSALS.items()}, folder, fresh=True
    )
    assert files_in(folder) == before, "a refused command wrote something"
    return outcomes


@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_folder_cannot_be_is_refused_in_one_sentence_before_tensorflow_loads(refused, name):
    outcome = refused[name]
    assert outcome.status == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("tf-style: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert len(outcome.stderr) < 500
    for part in REFUSALS[name][1]:
        assert part in outcome.stderr
    assert "tensorflow" not in outcome.modules
    assert "keras" not in outcome.modules
