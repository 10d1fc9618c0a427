"""`tf-style serve`: help, refusals, start, and stop."""

import dataclasses
import re
import signal
import socket
import time

import numpy as np
import pytest

from tests import command
from tf_style.cli.main import main
from tf_style.config import ServeOptions

grpc = pytest.importorskip("grpc", reason="grpcio is not installed; the extra `dev` brings it")
pytest.importorskip("tensorflow_serving", reason="tensorflow-serving-api is not installed; the extra `dev` brings it")

from tensorflow_serving.apis import prediction_service_pb2_grpc  # noqa: E402

from tests.serving.server.local_server import eventually, in_thread, predict_request, refused, running  # noqa: E402
from tests.serving.server.tiny_models import write_version  # noqa: E402
from tf_style.serving.server.run import serve  # noqa: E402


def test_help_names_every_flag_and_the_server_for_production(capsys):
    assert main(["serve", "--help"]) == 0
    text = capsys.readouterr().out
    assert "In production run TensorFlow Serving itself" in text
    for field in dataclasses.fields(ServeOptions):
        assert re.search(rf"--(\[no\])?{field.name}\b", text), field.name


def test_help_loads_nothing_heavy(tmp_path):
    outcome = command.run_lines({"help": ["serve", "--help"]}, tmp_path, fresh=True)["help"]
    assert (outcome.status, outcome.modules) == (0, ())


def test_defaults_are_those_of_tensorflow_serving():
    options = ServeOptions(model_base_path="x")
    assert (options.port, options.rest_api_port, options.rest_api_timeout_in_ms) == (8500, 0, 30_000)
    assert (options.file_system_poll_wait_seconds, options.max_num_load_retries) == (1, 5)
    assert options.host == "127.0.0.1"  # but this: TensorFlow Serving is open to the network


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "--model_base_path or --model_config_file must be given"),
        (["--enable_batching"], "The local server does not batch"),
        (["--batching_parameters_file=x"], "The local server does not batch"),
        (["--rest_api_port=8500"], "--rest_api_port and --port are both 8500"),
        (["--port=70000"], "A port must be at most 65535, but 70000 was given."),
        (["--port=x"], "port must be a whole number, but 'x' was given."),
        (["--prot=1"], "Did you mean: port"),
        (["--monitoring_config_file=x"], "--monitoring_config_file needs --rest_api_port"),
        (["--grpc_channel_arguments=x"], "grpc_channel_arguments must be name=value"),
        (["--ssl_config_file=missing"], "missing cannot be read: No such file or directory"),
        (["--rest_api_port=1", "--monitoring_config_file=missing"], "missing cannot be read"),
        (["--model_config_file=missing"], "missing cannot be read"),
    ],
)
def test_bad_flags_are_refused_with_status_2(capfd, arguments, text):
    base = ["--model_base_path=x"] if arguments else []
    assert main(["serve", *base, *arguments]) == 2
    output = capfd.readouterr()
    assert text in output.err
    assert len(output.err.splitlines()) == 1
    assert output.out == ""


def test_a_client_certificate_needs_an_authority(capfd, tmp_path):
    path = tmp_path / "ssl.config"
    path.write_text("client_verify: true")
    assert main(["serve", "--model_base_path=x", f"--ssl_config_file={path}"]) == 2
    assert "client_verify needs custom_ca" in capfd.readouterr().err


def test_a_model_that_does_not_load_ends_with_status_1(tmp_path):
    (tmp_path / "1").mkdir()
    lines = []
    assert serve(ServeOptions(model_base_path=str(tmp_path), max_num_load_retries=0), lines.append) == 1
    assert any(line.startswith("Failed to start server. Error: UNKNOWN: 1 servable(s) did not") for line in lines)
    assert lines[-1] == "Stopped."


@pytest.mark.parametrize("flag", ["port", "rest_api_port"])
def test_a_port_in_use_ends_with_status_1(tmp_path, flag):
    write_version(tmp_path, 1)
    lines = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"port": 0, flag: taken.getsockname()[1]}
        assert serve(ServeOptions(model_base_path=str(tmp_path), **ports), lines.append) == 1
    assert any(f"choose another --{flag}." in line for line in lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_runs_and_stops_with_status_0(tmp_path, number):
    write_version(tmp_path, 1)
    process = command.start(["serve", f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=-1"], tmp_path)
    lines = []
    try:
        while not any("REST listens" in line for line in lines):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line)
        port = re.search(r"gRPC listens on 127\.0\.0\.1:(\d+)\.", "".join(lines))[1]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            request = predict_request("spin", {"rounds": np.int32([150_000])}, model="tf_style")
            result = in_thread(lambda: stub.Predict(request, timeout=60))
            time.sleep(0.5)
            process.send_signal(number)
            eventually(lambda: not _is_open(int(port)))
            assert process.poll() is None
            assert result().outputs["rounds_done"].int_val[:] == [150_000]
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert errors == ""
    assert "".join(lines) + output == (
        f"Loading version 1 of model tf_style from {tmp_path}/1.\n"
        "Version 1 of model tf_style is available.\n" + "".join(lines[2:]) + "Stopping: finishing running requests.\n"
        "Version 1 of model tf_style is unloaded.\n"
        "Stopped.\n"
    )


def test_what_takes_longer_than_the_grace_period_is_cut_off(tmp_path):
    write_version(tmp_path, 1)
    with running(model_base_path=str(tmp_path), grace_seconds=0.3) as local:
        request = predict_request("spin", {"rounds": np.int32([2_000_000])})
        result = in_thread(lambda: refused(local.prediction.Predict, request))
        time.sleep(0.3)
        assert not local.server.stop()
        assert result()[0] in ("CANCELLED", "UNAVAILABLE")


def _is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
