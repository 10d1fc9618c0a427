"""The local server's models: version folders, policies, labels, polling, reloading, warm-up, and failed loads."""

import shutil
import socket
import threading
import time

import numpy as np
import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed; the extra `dev` brings it")
pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; the extra `dev` brings it")

from tests.serving.server.local_server import eventually, in_thread, predict_request, refused, running  # noqa: E402
from tests.serving.server.tiny_models import write_version, write_warm_up  # noqa: E402
from tf_style.config import ConfigError  # noqa: E402
from tf_style.serving.wire.status import ServingError  # noqa: E402

A = np.float32([1])


def offset(local, **choice):
    """Which model answered: what it adds."""
    response = local.prediction.Predict(predict_request(inputs={"a": A, "b": -A}, **choice))
    return response.outputs["sum"].float_val[0]


def config_file(folder, text):
    path = folder / "models.config"
    path.write_text(f"model_config_list {{ {text} }}")
    return str(path)


def model(name, base, more=""):
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {more} }}'


# --- versions and policies --------------------------------------------------------------------------------------------


def test_the_latest_version_is_served_by_default(tmp_path):
    for version in (1, 2, 10):
        write_version(tmp_path, version, offset=version % 3)
    (tmp_path / "notes").mkdir()
    with running(model_base_path=str(tmp_path)) as local:
        assert local.status() == {10: "AVAILABLE"}
        assert offset(local) == 1
        assert refused(local.prediction.Predict, predict_request(version=2))[0] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("model_version_policy { latest { num_versions: 2 } }", [3, 2]),
        ("model_version_policy { latest { num_versions: 0 } }", [3]),
        ("model_version_policy { all {} }", [3, 2, 1]),
        ("model_version_policy { specific { versions: 1 versions: 3 versions: 8 } }", [3, 1]),
    ],
)
def test_policies_choose_versions(tmp_path, policy, served):
    (tmp_path / "models").mkdir()
    for version in (1, 2, 3):
        write_version(tmp_path / "models", version)
    with running(model_config_file=config_file(tmp_path, model("tiny", tmp_path / "models", policy))) as local:
        eventually(lambda: list(local.status().items()) == [(version, "AVAILABLE") for version in served])


def test_version_folders_may_have_zeros_before_the_number(tmp_path):
    write_version(tmp_path, "00000123", offset=1)
    write_version(tmp_path, "000123")
    with running(model_base_path=str(tmp_path)) as local:
        assert local.status() == {123: "AVAILABLE"}
        assert offset(local) == 0
        assert sum("Duplicate version directories detected. Version 123" in line for line in local.lines) == 1


def test_a_new_version_takes_over_and_the_old_one_goes(tmp_path):
    write_version(tmp_path, 1)
    with running(model_base_path=str(tmp_path)) as local:
        write_version(tmp_path, 2, offset=1)
        answers = []
        eventually(lambda: answers.append(offset(local)) or answers[-1] == 1)  # never unanswered meanwhile
        eventually(lambda: local.status() == {2: "AVAILABLE", 1: "END"})


def test_removed_versions_are_unloaded(tmp_path):
    write_version(tmp_path, 1)
    with running(model_base_path=str(tmp_path)) as local:
        shutil.rmtree(tmp_path / "1")
        eventually(lambda: local.status() == {1: "END"})
        assert refused(local.prediction.Predict, predict_request()) == (
            "NOT_FOUND",
            "Servable not found for request: Latest(tiny)",
        )
        write_version(tmp_path, 1, offset=1)
        eventually(lambda: local.status() == {1: "AVAILABLE"})


def test_a_folder_that_goes_away_changes_nothing(tmp_path):
    (tmp_path / "models").mkdir()
    write_version(tmp_path / "models", 1)
    with running(model_base_path=str(tmp_path / "models")) as local:
        (tmp_path / "models").rename(tmp_path / "elsewhere")
        eventually(lambda: any("Could not find base path" in line for line in local.lines))
        assert local.status() == {1: "AVAILABLE"}
        assert offset(local) == 0


def test_a_new_version_that_fails_leaves_the_old_one(tmp_path):
    write_version(tmp_path, 1, offset=1)
    with running(model_base_path=str(tmp_path)) as local:
        (tmp_path / "2").mkdir()
        eventually(lambda: local.status() == {2: "END", 1: "AVAILABLE"})
        assert offset(local) == 1
        status, text = local.rest("/v1/models/tiny/versions/2")
        assert status == 200
        assert '"error_code": "NOT_FOUND"' in text
        assert f"Could not find SavedModel at {tmp_path}/2: " in text


def test_an_old_version_answers_what_it_has_begun(tmp_path):
    write_version(tmp_path, 1)
    with running(model_base_path=str(tmp_path)) as local:
        result = in_thread(
            lambda: refused(
                local.prediction.Predict, predict_request("spin", {"rounds": np.int32([2**31 - 1])}), timeout=10
            )
        )
        time.sleep(0.3)
        write_version(tmp_path, 2, offset=1)
        eventually(lambda: local.status() == {2: "AVAILABLE", 1: "UNLOADING"})
        assert offset(local) == 1
        assert result()[0] == "DEADLINE_EXCEEDED"
        eventually(lambda: local.status() == {2: "AVAILABLE", 1: "END"})


def test_without_polling_new_versions_are_not_seen(tmp_path):
    write_version(tmp_path, 1)
    with running(model_base_path=str(tmp_path), file_system_poll_wait_seconds=0) as local:
        write_version(tmp_path, 2)
        time.sleep(1.5)
        assert local.status() == {1: "AVAILABLE"}


# --- the start --------------------------------------------------------------------------------------------------------


def test_ports_open_after_the_first_load(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def is_open():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    started = threading.Event()

    def start_and_stop():
        with running(model_base_path=str(tmp_path), port=port) as local:
            started.set()
            return local.status()

    result = in_thread(start_and_stop)
    time.sleep(1.2)
    assert not is_open()  # the folder is empty: it is waited for
    assert not started.is_set()
    write_version(tmp_path, 1)
    assert result() == {1: "AVAILABLE"}


def test_a_first_version_that_fails_ends_the_start(tmp_path):
    (tmp_path / "1").mkdir()
    with pytest.raises(ServingError) as error, running(model_base_path=str(tmp_path)):
        pass
    assert str(error.value).startswith(
        "UNKNOWN: 1 servable(s) did not become available: {{{name: tiny version: 1} due to error: NOT_FOUND: Could not "
        "find SavedModel"
    )


def test_failed_loads_are_tried_again(tmp_path):
    (tmp_path / "1").mkdir()
    result = in_thread(lambda: _start(tmp_path, max_num_load_retries=100, load_retry_interval_micros=100_000))
    time.sleep(0.5)
    (tmp_path / "1").rmdir()
    write_version(tmp_path, 1)
    lines, status = result()
    assert status == {1: "AVAILABLE"}
    assert any("could not be loaded: NOT_FOUND" in line and line.endswith("Next try in 0.1 s.") for line in lines)


def _start(base, **options):
    with running(model_base_path=str(base), **options) as local:
        return list(local.lines), local.status()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (model("a", "relative"), "Expected model a to have an absolute path or URI; got base_path()=relative"),
        (model("a", "/x") + model("a", "/y"), "Illegal to list model a multiple times in config list"),
        (
            'config { name: "a" base_path: "/x" }',
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor ModelServerConfig::model_platform, "
            "model name is a",
        ),
        ('config { name: "a" base_path: "/x" model_platform: "p" }', "Model a requests unsupported platform p"),
        (
            model("a", "/x", 'version_labels { key: "stable" value: 1 }'),
            "Request to assign label to version 1 of model a, which is not currently available for inference",
        ),
    ],
)
def test_a_configuration_that_is_not_allowed_ends_the_start(tmp_path, text, message):
    with pytest.raises(ServingError) as error, running(model_config_file=config_file(tmp_path, text)):
        pass
    assert error.value.message == message


def test_a_configuration_that_cannot_be_read_is_told(tmp_path):
    path = config_file(tmp_path, "nonsense: 1")
    with pytest.raises(ConfigError, match="Error parsing text-format tensorflow.serving.ModelServerConfig: 1:"):
        _start("", model_config_file=path)
    with pytest.raises(ConfigError, match="missing.config cannot be read: No such file"):
        _start("", model_config_file=str(tmp_path / "missing.config"))


# --- labels and reloading ---------------------------------------------------------------------------------------------


def test_labels_choose_versions_and_move(tmp_path):
    write_version(tmp_path, 1)
    write_version(tmp_path, 2, offset=1)
    both = {"name": "tiny", "base_path": str(tmp_path), "model_version_policy": {"all": {}}}
    with running(model_base_path=str(tmp_path)) as local:
        label = {"version_labels": {"stable": 1}}
        message = "Request to assign label to version 1 of model tiny, which is not currently available for inference"
        assert _refused_reload(local, {**both, **label}) == ("FAILED_PRECONDITION", message)
        local.reload(both)
        eventually(lambda: local.status() == {2: "AVAILABLE", 1: "AVAILABLE"})
        local.reload({**both, **label})
        assert offset(local, label="stable") == 0
        assert local.rest("/v1/models/tiny/labels/stable:predict", {"inputs": {"a": [1], "b": [1]}})[0] == 200
        local.reload({**both, "version_labels": {"stable": 2}})
        assert offset(local, label="stable") == 1
        local.reload(both)
        assert refused(local.prediction.Predict, predict_request(label="stable")) == (
            "INVALID_ARGUMENT",
            "Unrecognized servable version label: stable",
        )


def _refused_reload(local, *configs):
    try:
        local.reload(*configs)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    raise AssertionError("the configuration was accepted")


def test_labels_may_come_first_when_the_flag_says_so(tmp_path):
    (tmp_path / "models").mkdir()
    write_version(tmp_path / "models", 1, offset=1)
    path = config_file(tmp_path, model("tiny", tmp_path / "models", 'version_labels { key: "stable" value: 1 }'))
    with running(model_config_file=path, allow_version_labels_for_unavailable_models=True) as local:
        assert offset(local, label="stable") == 1
        settings = {"name": "tiny", "base_path": str(tmp_path / "models"), "version_labels": {"stable": 5}}
        assert _refused_reload(local, settings)[0] == "FAILED_PRECONDITION"  # it points elsewhere already


def test_reload_adds_waits_for_and_removes_models(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    write_version(tmp_path / "a", 1)
    write_version(tmp_path / "b", 4, offset=1)
    with running(model_base_path=str(tmp_path / "a"), model_name="a") as local:
        counted = "/tensorflow/cc/saved_model/load_attempt_count"
        answer = local.reload({"name": "b", "base_path": str(tmp_path / "b")}, metric_names=[counted, "x"])
        assert answer.status.error_code == 0
        assert [(metric.name, metric.int64_value_increase) for metric in answer.metric] == [(counted, 1)]
        assert offset(local, model="b") == 1
        eventually(lambda: local.status("a") == {1: "END"})
        assert refused(local.prediction.Predict, predict_request(model="a"))[0] == "NOT_FOUND"
        local.reload({"name": "a", "base_path": str(tmp_path / "a")}, {"name": "b", "base_path": str(tmp_path / "b")})
        assert offset(local, model="a") == 0


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        (
            [{"name": "tiny", "base_path": "models"}],
            "Expected model tiny to have an absolute path or URI; got base_path()=models",
        ),
        (
            [{"name": "tiny", "base_path": "/x", "model_platform": "p"}],
            "Illegal to change a model's platform. For model tiny platform was tensorflow and new platform requested "
            "is p",
        ),
        ([{"name": "a", "base_path": "/x", "model_platform": "p"}], "Model a requests unsupported platform p"),
        ([{"name": "a", "base_path": "/x"}] * 2, "Illegal to list model a multiple times in config list"),
    ],
)
def test_reload_refuses_and_changes_nothing(tmp_path, configs, message):
    write_version(tmp_path, 1)
    with running(model_base_path=str(tmp_path)) as local:
        assert _refused_reload(local, *configs) == ("INVALID_ARGUMENT", message)
        assert offset(local) == 0


def test_reload_tells_which_models_failed(tmp_path):
    for name in ("good", "bad"):
        (tmp_path / name).mkdir()
    write_version(tmp_path / "good", 1)
    (tmp_path / "bad" / "1").mkdir()
    with running(model_base_path=str(tmp_path / "good"), model_name="good") as local:
        good, bad = ({"name": name, "base_path": str(tmp_path / name)} for name in ("good", "bad"))
        code, text = _refused_reload(local, good, bad)
        assert code == "UNKNOWN"
        assert text.startswith("1 model(s) did not become available: {{{name: bad version: 1} due to error: NOT_FOUND:")
        assert offset(local, model="good") == 0


def test_the_configuration_file_is_read_again_on_demand(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_version(tmp_path / name, 1)
    path = config_file(tmp_path, model("a", tmp_path / "a"))
    with running(model_config_file=path, model_config_file_poll_wait_seconds=1) as local:
        config_file(tmp_path, "nonsense")
        eventually(lambda: any("The models stay as they are: Error parsing" in line for line in local.lines))
        config_file(tmp_path, model("a", tmp_path / "a") + model("b", tmp_path / "b"))
        eventually(lambda: any("Version 1 of model b is available" in line for line in local.lines))
        assert offset(local, model="b") == offset(local, model="a") == 0


# --- warm-up ----------------------------------------------------------------------------------------------------------


def test_warm_up_requests_run_before_the_version_is_available(tmp_path):
    good = predict_request(inputs={"a": A}, model="another name")
    write_version(tmp_path, 1, requests=[good, good])
    with running(model_base_path=str(tmp_path)) as local:
        assert local.status() == {1: "AVAILABLE"}
        slow = predict_request("spin", {"rounds": np.int32([150_000])})
        write_version(tmp_path, 2, offset=1, requests=[slow])
        eventually(lambda: local.status().get(2) == "LOADING")
        assert offset(local) == 0
        eventually(lambda: local.status() == {2: "AVAILABLE", 1: "END"})


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (predict_request("S"), "FAILED_PRECONDITION", 'Serving signature key "S" not found.'),
        (predict_request("check", {"x": -A}), "INVALID_ARGUMENT", "assertion failed: [x must be finite"),
        (predict_request("pair", {"a": A}), "INVALID_ARGUMENT", "input size does not match signature: 1!=2"),
    ],
)
def test_a_warm_up_request_that_fails_fails_the_load(tmp_path, request_, code, text):
    write_version(tmp_path, 1, requests=[request_])
    with pytest.raises(ServingError) as error:
        _start(tmp_path)
    assert f"{{name: tiny version: 1}} due to error: {code}: {text}" in error.value.message
    assert _start(tmp_path, enable_model_warmup=False)[1] == {1: "AVAILABLE"}


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda data: b"this is no TFRecord", "DATA_LOSS: corrupted record at 0 (Is this even a TFRecord file?)."),
        (lambda data: data[:-7], "DATA_LOSS: truncated record at "),
        (lambda data: data[:20] + b"?" + data[21:], "DATA_LOSS: corrupted record at 12."),
    ],
)
def test_a_damaged_warm_up_file_fails_the_load(tmp_path, damage, text):
    file = write_version(tmp_path, 1, requests=[predict_request(inputs={"a": A})]) / "assets.extra"
    file = file / "tf_serving_warmup_requests"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ServingError) as error:
        _start(tmp_path)
    assert text in error.value.message
    assert "Please verify your warmup data is in TFRecord format." in error.value.message


def test_at_most_1000_warm_up_requests(tmp_path):
    folder = write_version(tmp_path, 1)
    write_warm_up(folder, [predict_request("check", {"x": A})] * 1001)
    with pytest.raises(ServingError, match=r"Number of warmup records exceeds the maximum \(1000\) at "):
        _start(tmp_path)
