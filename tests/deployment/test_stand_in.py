"""The shipped configuration at work: `tf-style serve` with the flags and files of `serving/docker-compose.yml`.

Docker is not needed, and the containers themselves are not tested. What differs from them: the ports are free ones, and
the copy of config/models.config has the model's folder on this machine for /models/tf_style, which is a path in the
container (making it here would take the rights to write to the root folder).
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
from PIL import Image

from tests import command
from tests.deployment import files as deployment
from tests.deployment.files import BASE_PATH, COUNTERS, FOLDER, HISTOGRAMS, MODEL

PICTURES = command.ROOT / "examples" / "pictures"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


class StandIn:
    """A server on the shipped flags and files; `paths` maps the container's folders to those on this machine."""

    def __init__(self, folder, fake):
        self.grpc, self.rest = free_ports(2)
        shutil.copytree(FOLDER / "config", folder / "config")
        models = folder / "config" / "models.config"
        text = models.read_text(encoding="utf-8")
        assert text.count(f'"{BASE_PATH}"') == 1
        models.write_text(text.replace(f'"{BASE_PATH}"', json.dumps(str(fake.parent))), encoding="utf-8")
        flags = deployment.read_one("docker-compose.yml")["services"]["serving"]["command"]
        places = {"=/config/": f"={folder}/config/", "=8500": f"={self.grpc}", "=8501": f"={self.rest}"}
        self.flags = [self._here(flag, places) for flag in flags]
        self.log = folder / "log.txt"
        self.process = None
        self.folder = folder

    @staticmethod
    def _here(flag, places):
        for inside, outside in places.items():
            flag = flag.replace(inside, outside)
        return flag

    def start(self, seconds=120):
        with self.log.open("w") as log:
            self.process = command.start(["serve", *self.flags], self.folder, stdout=log, stderr=log)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text()
            try:
                return get(self.rest, f"/v1/models/{MODEL}")
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"not up after {seconds} s: {self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; `serving` brings it")
    from tests.examples.saved_models import write_fake

    fake = write_fake(tmp_path_factory.mktemp("models") / MODEL / "1")
    server = StandIn(tmp_path_factory.mktemp("stand_in"), fake)
    server.start()
    yield server
    server.stop()


def test_the_shipped_files_load_the_model(stand_in):
    (version,) = json.loads(get(stand_in.rest, f"/v1/models/{MODEL}"))["model_version_status"]
    assert (version["version"], version["state"]) == ("1", "AVAILABLE")


def test_the_client_is_answered(stand_in):
    import numpy as np

    from tf_style.serving.client import Client

    content = np.full((40, 48, 3), 200, np.uint8)
    style = np.zeros((32, 32, 3), np.uint8)
    with Client(f"127.0.0.1:{stand_in.grpc}", deadline=60) as client:
        painting = client.stylize(content, style, content_weight=1.0, style_weight=1.0)
    assert painting.shape == content.shape
    assert np.all(np.abs(painting.astype(int) - 100) <= 1)


@pytest.mark.parametrize("name", ["serving", "serving-gpu"])
def test_health_check_of_the_compose_file(stand_in, name):
    kind, *arguments = deployment.read_one("docker-compose.yml")["services"][name]["healthcheck"]["test"]
    assert kind == "CMD"
    if shutil.which(arguments[0]) is None:
        pytest.skip("bash is not installed")
    (free,) = free_ports(1)
    changes = {
        0: {"8501": str(stand_in.rest)},
        1: {"8501": str(free)},  # nobody listens
        2: {"8501": str(stand_in.rest), MODEL: "another"},  # 404
    }
    for case, places in changes.items():
        here = [StandIn._here(argument, places) for argument in arguments]
        done = subprocess.run(here, capture_output=True, text=True, timeout=10)
        assert (done.returncode == 0) == (case == 0), (case, done)


def test_metrics_of_the_dashboard_are_there(stand_in):
    scrape = deployment.read_one("monitoring/prometheus.yml")["scrape_configs"][0]
    test_the_client_is_answered(stand_in)
    lines = get(stand_in.rest, scrape["metrics_path"]).splitlines()
    found = {}
    for line in lines:
        if not line.startswith("#"):
            name, labels = re.match(r"([^{ ]+)(?:\{(.*)\})?", line).groups()
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels or ""))
    for name, labels in COUNTERS.items():
        assert labels <= found[name], name
    for name, labels in HISTOGRAMS.items():
        assert all(labels <= found[f"{name}_{part}"] for part in ("bucket", "sum", "count")), name


def bash_blocks(heading):
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    section = text.split(heading)[1].split("\n## ")[0]
    return re.findall(r"```bash\n(.*?)```", section, re.DOTALL)


def test_requests_of_the_readme(stand_in, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    paint, look = bash_blocks("## 3. Ask for a painting")
    script = (paint + look).replace("8501", str(stand_in.rest)).replace("../examples/pictures", str(PICTURES))
    environment = {**os.environ, "no_proxy": "*"}
    arguments = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "painting.png") as painting, Image.open(PICTURES / "lighthouse.jpg") as content:
        assert painting.size == content.size
    assert '"AVAILABLE"' in done.stdout
    assert '"stylize_bytes"' in done.stdout


def test_a_rollback_as_the_readme_says(tmp_path):
    """Two versions; the newest is served, and the older one after the policy in models.config is changed."""
    pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; `serving` brings it")
    from tests.examples.saved_models import write_fake

    fake = write_fake(tmp_path / "models" / MODEL / "1")
    shutil.copytree(fake, fake.with_name("2"))
    server = StandIn(tmp_path, fake)
    server.flags = [re.sub(r"(model_config_file_poll_wait_seconds)=.*", r"\1=1", flag) for flag in server.flags]
    try:
        assert states(server.start()) == {"2": "AVAILABLE"}
        models = tmp_path / "config" / "models.config"
        text = models.read_text(encoding="utf-8")
        readme = (FOLDER / "README.md").read_text(encoding="utf-8")
        (policy,) = re.findall(r"`(model_version_policy \{ specific \{ versions: 1 \} \})`", readme)
        changed, count = re.subn(
            r"\n    model_version_policy \{\n.*?\n    \}\n", f"\n    {policy}\n", text, flags=re.DOTALL
        )
        assert count == 1
        models.write_text(changed, encoding="utf-8")
        end = time.monotonic() + 60
        while states(get(server.rest, f"/v1/models/{MODEL}")).get("1") != "AVAILABLE":
            assert time.monotonic() < end, server.log.read_text()
            time.sleep(0.2)
    finally:
        server.stop()


def states(text):
    return {found["version"]: found["state"] for found in json.loads(text)["model_version_status"]}
