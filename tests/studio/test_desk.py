"""What visitors do, without a browser: files that are refused, regions, a model server, and the command's refusals."""

import json
import shutil
import socket

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.serving.client.fake_server import FakeServer, whole
from tf_style import images
from tf_style.cli.main import main
from tf_style.config import ConfigError, StudioOptions
from tf_style.studio.desk import Desk
from tf_style.studio.views import Views
from tf_style.studio.works.regions import COLORS, region_masks
from tf_style.studio.works.tasting import PROFILE
from tf_style.taste.file import TasteError
from tf_style.taste.space import NEUTRAL

SIZE = {"size": 48}


@pytest.fixture
def desk_of(tmp_path):
    """Makes desks that end with the test."""
    made = []
    (tmp_path / "uploads").mkdir()

    def make(served=(), **options):
        made.append(Desk(StudioOptions(**options), tmp_path / "visitors", tmp_path / "uploads", served))
        return made[-1]

    yield make
    for desk in made:
        desk.turns.close()


@pytest.fixture
def upload(tmp_path):
    """Puts a file where uploads arrive; returns its path and its name."""

    def put(source, name=None):
        path = tmp_path / "uploads" / (name or source.name)
        shutil.copy(source, path)
        return str(path), name or source.name

    return put


def test_names_of_uploads_become_plain(desk_of, upload, pictures):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    names = {"Ünser Bild (1).JPG": "Unser_Bild_1.jpg", "..%2f..%2fetc.jpg": "2f_2fetc.jpg", "日本.jpg": "picture.jpg"}
    more = {"picture.jpg": "picture-2.jpg", "taste.json": "taste-2.json", "a." + 250 * "b": "a.bbbbbbbb"}
    for name, kept in {**names, **more}.items():
        desk.take_photo(visitor, upload(pictures / "My photo.jpg")[0], name)
        assert visitor.photo == kept
    assert visitor.file("../visitors") is None


def test_what_was_not_uploaded_is_refused(desk_of, pictures, tmp_path):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    (tmp_path / "uploads" / "link.jpg").symlink_to(pictures / "My photo.jpg")
    for path in (pictures / "My photo.jpg", tmp_path / "uploads" / "link.jpg", tmp_path / "uploads" / "absent.jpg"):
        for take in (desk.take_photo, desk.take_style, desk.take_clip, desk.take_sound):
            with pytest.raises(ConfigError, match="was not uploaded here"):
                take(visitor, str(path), "picture.jpg")
    assert (pictures / "My photo.jpg").exists()


def test_profiles_open_no_other_library_and_bad_ones_are_refused(desk_of, upload, pictures, tmp_path):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    desk.take_photo(visitor, *upload(pictures / "My photo.jpg"))
    desk.taste(visitor, "")
    desk.taste(visitor, "left")
    known = visitor.tasting.profile
    fields = json.loads((visitor.folder / PROFILE).read_text())
    fields["library"]["folder"] = str(tmp_path / "nowhere")
    (tmp_path / "other.json").write_text(json.dumps(fields))
    desk.take_profile(visitor, upload(tmp_path / "other.json")[0])
    assert visitor.tasting.profile == known
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(TasteError, match=r"^'taste.json' is not a profile"):
        desk.take_profile(visitor, upload(tmp_path / "broken.json")[0])
    likes = {name: value for name, value in known.options.items() if name != "style_blend"}
    assert desk.use_taste(visitor) == {**NEUTRAL, **likes}  # no control stays as it was
    assert visitor.chosen == known.styles


def test_pairs_that_were_stopped_are_painted_anew(desk_of, upload, pictures):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    desk.take_photo(visitor, *upload(pictures / "My photo.jpg"))
    desk.turns.stop(work := unpainted(desk, visitor))
    desk.taste(visitor, "")
    desk.turns.remove(visitor.id)  # its page slept
    stopped = visitor.tasting.pair
    assert all(one.ended.is_set() for one in (work, *stopped))
    assert Views(desk).taste(visitor)["left"] == ""  # so that the page offers to begin
    desk.taste(visitor, "")
    assert Views(desk).taste(visitor)["left"]
    assert not {one.output for one in visitor.tasting.pair} & {one.output for one in stopped}


def unpainted(desk, visitor):
    """A painting in line."""
    desk.choose(visitor, "library:great_wave", True)
    desk.paint(visitor, "instant", SIZE)
    return visitor.shown


def test_the_photo_that_is_shown_is_painted_next(desk_of, upload, pictures):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    desk.take_photo(visitor, *upload(pictures / "My photo.jpg"))
    work = unpainted(desk, visitor)
    desk.take_photo(visitor, *upload(pictures / "painting.png"))
    visitor.brushed = np.zeros((4, 4, 4), np.uint8)
    desk.show(visitor, 0)
    assert (visitor.photo, visitor.brushed) == ("My_photo.jpg", None)
    assert work.ended.wait(60)
    (visitor.folder / visitor.photo).unlink()
    work = unpainted(desk, visitor)
    assert work.ended.wait(60)
    assert work.message.startswith("'My_photo.jpg' does not exist")  # without the folder


def test_only_what_the_page_can_brush_is_taken(desk_of, upload, pictures, tmp_path):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    Image.new("RGBA", (4000, 1)).save(tmp_path / "wide.png")
    for source, said in ((tmp_path / "wide.png", "is larger than"), (pictures / "text.jpg", "did not arrive whole")):
        path, _ = upload(source)
        with pytest.raises(ConfigError, match=said):
            desk.brush(visitor, path, False, 1)
        assert visitor.brushed is None


def test_limits_are_those_of_the_command(desk_of, upload, pictures):
    desk = desk_of(max_pixels=1000)
    visitor = desk.visitors.arrive()
    with pytest.raises(images.ImageError, match="^'photo.jpg' is 200 x 150 pixels"):
        desk.take_photo(visitor, *upload(pictures / "My photo.jpg", "photo.jpg"))
    assert not list(visitor.folder.iterdir())


@pytest.mark.parametrize("text", ["#EXTM3U\né\nhttp://localhost:9/x.ts\n", "ffconcat version 1.0\nfile /etc/passwd\n"])
def test_lists_are_no_films(desk_of, upload, tmp_path, text):
    desk = desk_of()
    visitor = desk.visitors.arrive()
    (tmp_path / "clip.mp4").write_text(text)
    for take in (desk.take_clip, desk.take_sound):
        with pytest.raises(ConfigError, match=r"'clip.mp4' is a text"):
            take(visitor, *upload(tmp_path / "clip.mp4"))


def test_masks_of_what_is_brushed():
    brushed = np.zeros((2, 4, 4), np.uint8)
    for column, color in enumerate(COLORS[:2]):
        brushed[:, column] = [*bytes.fromhex(color[1:]), 255]
    brushed[0, 2] = [*bytes.fromhex(COLORS[1][1:]), 51]
    first, second = region_masks(brushed, ["A", "B"], fills_rest=False)
    np.testing.assert_allclose(first, [[1, 0, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_allclose(second, [[0, 1, 0.2, 0], [0, 1, 0, 0]])
    first, _ = region_masks(brushed, ["A", "B"], fills_rest=True)
    np.testing.assert_allclose(first, [[1, 0, 0.8, 1], [1, 0, 1, 1]])
    with pytest.raises(ConfigError, match="Nothing is brushed with C"):
        region_masks(brushed, ["A", "B", "C"], fills_rest=True)
    with pytest.raises(ConfigError, match="6 colours, but 7 paintings"):
        region_masks(brushed, list("ABCDEFG"), fills_rest=True)


@pytest.mark.parametrize("served", [("style_strength",), ("steps",)])
def test_a_model_server_paints_instead(desk_of, upload, pictures, served):
    server = FakeServer()
    desk = desk_of(served, server=server.address)
    visitor = desk.visitors.arrive()
    desk.take_photo(visitor, *upload(pictures / "My photo.jpg"))
    desk.take_style(visitor, *upload(pictures / "painting.png"))
    desk.paint(visitor, "instant", SIZE)
    assert visitor.shown.ended.wait(60)
    assert (visitor.shown.state, visitor.shown.message) == ("done", "")
    content = images.to_uint8(images.resize(images.read_image(pictures / "My photo.jpg"), (36, 48)).pixels)
    style = images.to_uint8(images.read_image(pictures / "painting.png").pixels)
    np.testing.assert_array_equal(
        images.to_uint8(images.read_image(visitor.shown.output).pixels), whole(content, style)
    )

    view = Views(desk).history(visitor)
    arguments = view["recipe"]["command"].split()[1:]
    again = command.run([*arguments, "--output=again.png"], visitor.folder)
    assert again.status == 0, again.stderr
    assert (visitor.folder / "again.png").read_bytes() == visitor.shown.output.read_bytes()

    server.stop()
    desk.paint(visitor, "instant", SIZE)
    assert visitor.shown.ended.wait(60)
    assert visitor.shown.state == "failed"
    assert server.address in visitor.shown.message
    assert "check the address" in visitor.shown.message


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--host=0.0.0.0"], ["--host=0.0.0.0 opens the page to others", "--auth=user:password"]),
        (["--auth=secret"], ["user:password, with a colon"]),
        (["--port=99999"], ["at most 65535"]),
        (["--server=localhost"], ["names no port", "localhost:8500"]),
        (["--server=127.0.0.1:9", "--port=0"], ["127.0.0.1:9", "check the address"]),
    ],
)
def test_the_command_refuses(capsys, flags, words):
    pytest.importorskip("gradio", reason="the studio needs gradio: pip install 'tf-style[studio]'")
    assert main(["studio", "--noopen", *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert all(word in err for word in words), err


def test_a_port_in_use_and_a_missing_package_are_said(capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["studio", "--noopen", f"--port={port}"]) == 2
    assert f"--port={port} cannot be used" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["studio"]) == 2
    assert "pip install 'tf-style[studio]'" in capsys.readouterr().err


def test_others_must_give_the_password(tmp_path, monkeypatch):
    pytest.importorskip("gradio", reason="the studio needs gradio: pip install 'tf-style[studio]'")
    from starlette.testclient import TestClient

    from tf_style.studio.app import make_app

    for name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, "")  # restored afterwards
    app, desk = make_app(StudioOptions(host="0.0.0.0", auth="me:secret", max_megabytes=1), tmp_path)
    with TestClient(app) as client:
        assert client.get("/config").status_code == 401
        assert client.get("/gradio_api/file=/etc/passwd").status_code in (401, 403)
        assert client.post("/login", data={"username": "me", "password": "wrong"}).status_code == 400
        assert client.post("/login", data={"username": "me", "password": "secret"}).status_code == 200
        assert client.get("/config").status_code == 200
        too_large = {"files": ("photo.jpg", bytes(2_000_000))}
        assert client.post("/gradio_api/upload", files=too_large).status_code == 413
        assert "default-src 'self'" in client.get("/").headers["content-security-policy"]
    desk.turns.close()
