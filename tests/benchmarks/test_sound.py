"""The benchmark of sounds runs its whole path, and holds what its record says."""

from benchmarks import sound, sound_film, tracks
from tests.benchmarks.test_smoke import rows_of
from tf_style.audio import read_sound


def test_sound(tmp_path):
    output = tmp_path / "RECORD.md"
    short = ("--tempi=120", "--seconds=12", "--long=30", "--flash_seconds=1", "--rates=24", "--seeds=0")
    sound.main([f"--output={output}", *short])
    rows = {cells[0]: cells[1:] for cells in rows_of(output.read_text())}
    assert float(rows["120"][0]) >= 0.95
    assert float(rows["120"][1]) >= 0.85
    assert float(rows["120"][3]) >= 95
    for feature in ("onset", "beat", "novelty", "loudness", "bass", "brightness"):
        assert float(rows[feature][0]) >= 0.8
        assert rows[feature][-1] == "yes"
    assert rows["black and white in turn"][:2] == ["23", "3"]
    assert rows["50 %"][0] == "50 %"
    assert float(rows["100 %"][1].rstrip(" %")) <= 25


def test_a_song(tmp_path):
    for name in ("one", "other"):
        tracks.main([str(tmp_path / f"{name}.flac"), "--seconds=4", "--seed=5"])
    assert read_sound(tmp_path / "one.flac").seconds == 4.0
    assert (tmp_path / "one.flac").read_bytes() == (tmp_path / "other.flac").read_bytes()


def test_films(tmp_path):
    output = tmp_path / "RECORD.md"
    sound_film.main([f"--output={output}", "--seconds=0.8", "--size=48", "--cases=1"])
    [cells] = [cells for cells in rows_of(output.read_text()) if cells[1] == "24"]
    assert cells[2:4] == ["20", "2"] and cells[5] == "100.0 %"
    assert "silent sound are those of the film without" in output.read_text()
