"""The folder `serving/`: Docker Compose, TensorFlow Serving's configuration, Prometheus and Grafana, the README."""

import dataclasses
import re
import subprocess
import sys

import pytest
from google.protobuf import text_format

from tests.deployment import files as deployment
from tests.deployment.files import BASE_PATH, FOLDER, HISTOGRAMS, MODEL, SCRAPE_LABELS, VERSION

COMPOSE = "docker-compose.yml"
SERVERS = ("serving", "serving-gpu")
BATCHING_FIELDS = {"max_batch_size", "allowed_batch_sizes", "batch_timeout_micros", "num_batch_threads"} | {
    "max_enqueued_batches",
    "pad_variable_length_inputs",
}
REPOSITORY = FOLDER.parent


@pytest.fixture(scope="module")
def compose():
    return deployment.read_one(COMPOSE)


def variable_default(text):
    """`${NAME:-default}/x` -> `default/x`, as Compose reads it where nothing is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


# --- Docker Compose ---------------------------------------------------------------------------------------------------


def test_compose_file_keeps_its_schema():
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed; the extra `dev` brings it")
    arguments = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", FOLDER / COMPOSE]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_images_are_pinned(compose):
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert images["serving"] == f"tensorflow/serving:{VERSION}"
    assert images["serving-gpu"] == f"tensorflow/serving:{VERSION}-gpu"
    for image in images.values():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+(-gpu)?", image), image


def test_each_profile_starts_one_server(compose):
    profiles = {name: service["profiles"] for name, service in compose["services"].items()}
    assert profiles["serving"] == ["cpu"]
    assert profiles["serving-gpu"] == ["gpu"]
    assert all(profiles[name] == ["monitoring"] for name in set(profiles) - set(SERVERS))


def test_only_the_gpu_service_reserves_a_gpu(compose):
    (device,) = compose["services"]["serving-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert "reservations" not in compose["services"]["serving"]["deploy"]["resources"]


@pytest.mark.parametrize("name", SERVERS)
def test_server_flags_and_what_they_name(compose, name):
    service = compose["services"][name]
    assert service["entrypoint"] == ["tensorflow_model_server"]
    flags = deployment.flags(service["command"])
    assert int(flags["rest_api_timeout_in_ms"]) > 30_000, "the default ends a painting after 30 seconds"
    assert flags["enable_grpc_healthcheck_service"] == "true"
    assert "enable_batching" not in flags, "off by default"
    mounts = dict(variable_default(volume).split(":")[:2] for volume in service["volumes"])
    inside = {target: source for source, target in mounts.items()}
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert inside["/models"] == "./models"
    for flag in ("model_config_file", "monitoring_config_file"):
        folder, _, file = flags[flag].rpartition("/")
        assert (FOLDER / inside[folder] / file).is_file(), flags[flag]


@pytest.mark.parametrize("name", SERVERS)
def test_ports_are_published_to_this_machine_only(compose, name):
    service = compose["services"][name]
    flags = deployment.flags(service["command"])
    published = [variable_default(port) for port in service["ports"]]
    expected = {f"127.0.0.1:{flags[flag]}:{flags[flag]}" for flag in ("port", "rest_api_port")}
    assert set(published) == expected
    assert flags["rest_api_port"] in " ".join(service["healthcheck"]["test"])


@pytest.mark.parametrize("name", SERVERS)
def test_server_has_no_rights(compose, name):
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert not service["user"].startswith("0")


def test_files_that_are_mounted_exist(compose):
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = variable_default(volume).split(":")[0]
            assert (FOLDER / source).exists() or source == "./models", volume


def test_documented_variables_are_those_used(compose):
    text = (FOLDER / COMPOSE).read_text(encoding="utf-8")
    documented = dict(re.findall(r"^#   ([A-Z_]+) +(\S+)", text, re.MULTILINE))
    used = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text))
    assert documented == used


# --- TensorFlow Serving's own files -----------------------------------------------------------------------------------


def parse(name, message):
    return text_format.Parse((FOLDER / "config" / name).read_text(encoding="utf-8"), message)


def test_models_config_serves_the_latest_version():
    config_pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    (model,) = parse("models.config", config_pb2.ModelServerConfig()).model_config_list.config
    assert model.name == MODEL
    assert model.base_path == BASE_PATH
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1
    assert not model.version_labels, "labels in the first configuration keep the server from starting"


@pytest.mark.parametrize(
    "policy", re.findall(r"#   (model_version_policy \{.*\})", (FOLDER / "config/models.config").read_text())
)
def test_policies_in_the_comments_are_valid(policy):
    config_pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    model = text_format.Parse(policy, config_pb2.ModelConfig())
    assert model.model_version_policy.specific.versions


def test_monitoring_config_is_on():
    from tf_style.serving.wire.messages import MonitoringConfig

    prometheus = parse("monitoring.config", MonitoringConfig()).prometheus_config
    assert prometheus.enable
    assert prometheus.path == deployment.read_one("monitoring/prometheus.yml")["scrape_configs"][0]["metrics_path"]


def test_batching_config_is_what_it_says():
    from tf_style.config import ExportOptions

    text = (FOLDER / "config/batching.config").read_text(encoding="utf-8")
    fields = re.findall(r"^(\w+)(?:: | \{ value: )(\w+)", text, re.MULTILINE)
    assert {name for name, _ in fields} == BATCHING_FIELDS
    sizes = [int(value) for name, value in fields if name == "allowed_batch_sizes"]
    batching = dict(fields)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == int(batching["max_batch_size"]), "TensorFlow Serving demands it"
    assert sizes[-1] <= ExportOptions.max_batch, "an exported model refuses larger ones"
    assert 0 < int(batching["batch_timeout_micros"]) <= 100_000
    assert batching["num_batch_threads"] == "1"
    assert batching["pad_variable_length_inputs"] == "false"


def test_every_number_of_the_batching_config_has_its_reason():
    lines = (FOLDER / "config/batching.config").read_text(encoding="utf-8").splitlines()
    for before, line in zip(lines, lines[1:], strict=False):
        if line and not line.startswith(("#", "allowed_batch_sizes: ")):
            assert before.startswith("#"), line


# --- Prometheus and Grafana -------------------------------------------------------------------------------------------


def test_prometheus_asks_the_compose_services(compose):
    (job,) = deployment.read_one("monitoring/prometheus.yml")["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    host, port = target.split(":")
    for name in SERVERS:
        service = compose["services"][name]
        assert host in service["networks"]["default"]["aliases"]
        assert port == deployment.flags(service["command"])["rest_api_port"]


def queries():
    board = deployment.read_json("monitoring/grafana/dashboard.json")
    return [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.parametrize(("title", "query"), queries())
def test_dashboard_uses_metrics_and_labels_that_there_are(title, query):
    names = deployment.metric_names(query)
    assert names or query.startswith("sum(up{"), title
    assert all(deployment.known_metric(name) for name in names), names
    labels = set(re.findall(r"(\w+)=~?\"", query)) | set(re.findall(r"(\w+)!=\"", query))
    for group in re.findall(r"by \(([^)]*)\)", query):
        labels |= {label.strip() for label in group.split(",")}
    known = SCRAPE_LABELS.union({"model_name", "status"}, *HISTOGRAMS.values())
    assert labels <= known, labels - known
    assert query.count("(") == query.count(")")
    if "status" in labels:
        assert names == {":tensorflow:serving:request_count"}, "the others have no such label in every version"


def test_dashboard_is_whole():
    board = deployment.read_json("monitoring/grafana/dashboard.json")
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) >= 8
    variables = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", " ".join(query for _, query in queries()))) - {"__rate_interval"}
    assert used <= variables
    assert all(panel["description"] for panel in board["panels"])


def test_grafana_finds_the_dashboard_and_prometheus(compose):
    source = deployment.read_one("monitoring/grafana/datasource.yml")["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]
    provider = deployment.read_one("monitoring/grafana/dashboards.yml")["providers"][0]
    targets = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    assert any(target.startswith(provider["options"]["path"]) for target in targets)


# --- the README -------------------------------------------------------------------------------------------------------

READMES = (FOLDER / "README.md", FOLDER / "LOADTEST.md", REPOSITORY / "docs" / "embedding.md")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_linked_files_exist(readme):
    links = re.findall(r"\]\(([^)#]+)\)", readme.read_text(encoding="utf-8"))
    for link in links:
        assert link.startswith("https://") or (readme.parent / link).exists(), link
    assert links


def commands(text):
    """`tf-style NAME --flag=...`, also over several lines -> (NAME, flags)."""
    joined = text.replace("\\\n", " ")
    for name, rest in re.findall(r"tf-style (export|serve|request|inspect)\b([^\n`]*)", joined):
        yield name, set(re.findall(r"--([a-z_]+)", rest)) - {"help"}


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_flags_of_our_commands_are_known(readme):
    from tf_style.config import ExportOptions, RequestOptions, ServeOptions, StylizeConfig

    options = {
        "export": (ExportOptions, StylizeConfig),
        "serve": (ServeOptions,),
        "request": (RequestOptions,),
        "inspect": (),
    }
    for name, flags in commands(readme.read_text(encoding="utf-8")):
        known = {field.name for kind in options[name] for field in dataclasses.fields(kind)}
        assert flags <= known | ({"preset"} if name == "export" else set()), (name, flags - known)


def test_flags_of_the_server_in_the_readme_are_known():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`--([a-z0-9_]+)(?:=[^`]*)?`", text))
    ours = {"preset", "backbone", "optimizer", "size", "compute_dtype", "image_format", "advance_every", "previews"}
    assert "rest_api_timeout_in_ms" in named
    assert named - ours - {"profile"} <= deployment.FLAGS
