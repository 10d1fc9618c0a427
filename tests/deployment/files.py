"""What the tests of the folder `serving/` share: its files, and what TensorFlow Serving knows."""

import json
import re

import yaml

from tests import command

FOLDER = command.ROOT / "serving"
VERSION = "2.21.0"
MODEL = "tf_style"
BASE_PATH = f"/models/{MODEL}"

# From tensorflow/serving, tensorflow_serving/model_servers/main.cc.
_FLAGS = """
port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms rest_api_enable_cors_support
enable_batching allow_version_labels_for_unavailable_models batching_parameters_file
enable_per_model_batching_parameters model_config_file model_config_file_poll_wait_seconds model_name
model_base_path num_load_threads num_unload_threads max_num_load_retries load_retry_interval_micros
file_system_poll_wait_seconds flush_filesystem_caches tensorflow_session_parallelism
tensorflow_session_config_file tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism
use_alts_credentials ssl_config_file platform_config_file per_process_gpu_memory_fraction saved_model_tags
grpc_channel_arguments grpc_max_threads enable_model_warmup num_request_iterations_for_warmup version
monitoring_config_file remove_unused_fields_from_bundle_metagraph prefer_tflite_model num_tflite_pools
num_tflite_interpreters_per_pool enable_signature_method_name_check xla_cpu_compilation_enabled
xla_gpu_compilation_enabled enable_profiler thread_pool_factory_config_file mixed_precision
skip_initialize_tpu enable_grpc_healthcheck_service enable_serialization_as_tensor_content
"""
#: Flags of tensorflow_model_server. It prints those it does not know and goes on, so that a typo would go unnoticed.
FLAGS = set(_FLAGS.split())

#: Metrics of TensorFlow Serving, as its exporter for Prometheus names them, and their labels:
#: tensorflow_serving/servables/tensorflow/util.cc, tensorflow_serving/util/prometheus_exporter.cc.
COUNTERS = {":tensorflow:serving:request_count": {"model_name", "status"}}
HISTOGRAMS = {
    ":tensorflow:serving:request_latency": {"model_name", "API", "entrypoint"},
    ":tensorflow:serving:runtime_latency": {"model_name", "API", "runtime"},
}
#: What Prometheus adds to each of them when it scrapes.
SCRAPE_LABELS = {"job", "instance", "le"}


def read_yaml(name):
    """The documents of a file in `serving/`."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def read_one(name):
    (document,) = read_yaml(name)
    return document


def read_json(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def flags(arguments):
    """["--port=8500"] -> {"port": "8500"}, each known to TensorFlow Serving and given once."""
    pairs = [re.fullmatch(r"--([a-z0-9_]+)=(.+)", argument) for argument in arguments]
    assert all(pairs), arguments
    found = {pair[1]: pair[2] for pair in pairs}
    assert len(found) == len(arguments), f"a flag is given twice: {arguments}"
    assert set(found) <= FLAGS, f"flags that TensorFlow Serving does not have: {set(found) - FLAGS}"
    return found


def metric_names(query):
    """The metrics of TensorFlow Serving in a query of Prometheus, with the ending of a histogram's parts."""
    return set(re.findall(r":[a-z_:]*[a-z]", query))


def known_metric(name):
    """Whether a part of a histogram, or a counter, is one that TensorFlow Serving has."""
    base, _, part = name.rpartition("_")
    return name in COUNTERS or (base in HISTOGRAMS and part in ("bucket", "sum", "count"))
