"""The manifests in `serving/kubernetes`: each against its schema, and all against each other and the configuration."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.deployment import files as deployment
from tests.deployment.files import BASE_PATH, FOLDER, MODEL, VERSION

BASE = FOLDER / "kubernetes" / "base"
KUBERNETES = "1.31"
MANIFESTS = ("volume", "deployment", "service", "hpa")


def manifests(folder=BASE, names=MANIFESTS):
    files = [(folder / f"{name}.yaml").read_text(encoding="utf-8") for name in names]
    return [document for file in files for document in yaml.safe_load_all(file)]


def kind(name, documents=None):
    return [document for document in (documents or manifests()) if document["kind"] == name]


@pytest.fixture(scope="module")
def pod():
    (found,) = kind("Deployment")
    return found["spec"]["template"]


@pytest.fixture(scope="module")
def server(pod):
    (container,) = pod["spec"]["containers"]
    return container


@pytest.fixture(scope="module")
def ports(server):
    return {port["name"]: port["containerPort"] for port in server["ports"]}


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda manifest: f"{manifest['kind']}-{manifest['metadata']['name']}"
)
def test_manifest_keeps_its_schema(manifest):
    reason = "kubernetes-validate is not installed; the extra `dev` brings it"
    validator = pytest.importorskip("kubernetes_validate", reason=reason)
    validator.validate(manifest, KUBERNETES, strict=True)


def test_schema_finds_a_typo():
    reason = "kubernetes-validate is not installed; the extra `dev` brings it"
    validator = pytest.importorskip("kubernetes_validate", reason=reason)
    (wrong,) = kind("Deployment")
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(validator.ValidationError):
        validator.validate(wrong, KUBERNETES, strict=True)


def test_selectors_find_the_pods(pod):
    labels = pod["metadata"]["labels"].items()
    (found,) = kind("Deployment")
    assert found["spec"]["selector"]["matchLabels"].items() <= labels
    for service in kind("Service"):
        assert service["spec"]["selector"].items() <= labels


def test_services_lead_to_ports_of_the_container(ports, server):
    flags = deployment.flags(server["args"])
    assert ports == {"grpc": int(flags["port"]), "rest": int(flags["rest_api_port"])}
    for service in kind("Service"):
        for port in service["spec"]["ports"]:
            assert port["port"] == ports[port["targetPort"]]


def test_probes_ask_what_the_flags_switch_on(ports, server):
    flags = deployment.flags(server["args"])
    assert flags["enable_grpc_healthcheck_service"] == "true"
    assert server["startupProbe"]["grpc"]["port"] == ports["grpc"] == server["livenessProbe"]["grpc"]["port"]
    ready = server["readinessProbe"]["httpGet"]
    assert ready == {"path": f"/v1/models/{MODEL}", "port": "rest"}


def test_prometheus_annotations_are_those_of_the_monitoring_config(pod, ports):
    annotations = pod["metadata"]["annotations"]
    scrape = deployment.read_one("monitoring/prometheus.yml")["scrape_configs"][0]
    assert annotations["prometheus.io/path"] == scrape["metrics_path"]
    assert int(annotations["prometheus.io/port"]) == ports["rest"]


def test_files_in_the_flags_are_in_the_config_map(pod, server):
    (generator,) = deployment.read_one("config/kustomization.yaml")["configMapGenerator"]
    mounts = {mount["name"]: mount["mountPath"] for mount in server["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert set(mounts) == set(volumes)
    assert volumes["config"]["configMap"]["name"] == generator["name"]
    assert all((FOLDER / "config" / file).is_file() for file in generator["files"])
    flags = deployment.flags(server["args"])
    for flag in ("model_config_file", "monitoring_config_file"):
        folder, _, file = flags[flag].rpartition("/")
        assert folder == mounts["config"]
        assert file in generator["files"]
    assert BASE_PATH.startswith(mounts["models"] + "/")
    assert mounts["temporary"] == "/tmp"


def test_the_volume_is_claimed_under_its_name(pod):
    (claim,) = kind("PersistentVolumeClaim")
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert volumes["models"]["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"], "readOnly": True}


def test_image_resources_and_rights(server):
    assert server["image"] == f"tensorflow/serving:{VERSION}"
    assert server["command"] == ["tensorflow_model_server"]
    limits = server["resources"]["limits"]
    assert deployment.flags(server["args"])["tensorflow_intra_op_parallelism"] == limits["cpu"]
    assert server["resources"]["requests"].keys() == limits.keys() == {"cpu", "memory"}
    assert server["securityContext"]["readOnlyRootFilesystem"]
    assert server["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_stopping_pod_has_time_for_its_paintings(pod, server):
    seconds = int(server["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert 60 <= seconds < pod["spec"]["terminationGracePeriodSeconds"]


def test_autoscaler_scales_the_deployment_by_a_metric_that_is_made():
    (scaler,) = kind("HorizontalPodAutoscaler")
    (found,) = kind("Deployment")
    target = scaler["spec"]["scaleTargetRef"]
    assert (target["apiVersion"], target["kind"]) == (found["apiVersion"], found["kind"])
    assert target["name"] == found["metadata"]["name"]
    assert "replicas" not in found["spec"], "it would fight the autoscaler at each apply"
    (metric,) = scaler["spec"]["metrics"]
    (rule,) = deployment.read_one("kubernetes/prometheus-adapter-values.yaml")["rules"]["custom"]
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    (name,) = deployment.metric_names(rule["seriesQuery"])
    assert deployment.known_metric(name)


# --- the variant for GPUs, and KServe ---------------------------------------------------------------------------------


def test_gpu_variant_patches_the_container_that_there_is(server):
    (patch,) = manifests(FOLDER / "kubernetes" / "gpu", ("deployment",))
    (found,) = kind("Deployment")
    assert (patch["kind"], patch["metadata"]["name"]) == (found["kind"], found["metadata"]["name"])
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    assert container["name"] == server["name"], "another name would add a second container"
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "1"}


@pytest.mark.parametrize("name", ["config", "kubernetes/base", "kubernetes/gpu"])
def test_kustomizations_name_files_that_exist(name):
    document = deployment.read_one(f"{name}/kustomization.yaml")
    named = [*document.get("resources", []), *(patch["path"] for patch in document.get("patches", []))]
    named += [file for generator in document.get("configMapGenerator", []) for file in generator["files"]]
    assert named
    for file in named:
        path = FOLDER / name / file
        assert path.is_file() or (path / "kustomization.yaml").is_file(), file
    for image in document.get("images", []):
        assert image == {"name": "tensorflow/serving", "newTag": f"{VERSION}-gpu"}


@pytest.mark.parametrize(("name", "tag"), [("base", VERSION), ("gpu", f"{VERSION}-gpu")])
def test_kubectl_builds_it(name, tag):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    arguments = ["kubectl", "kustomize", FOLDER / "kubernetes" / name]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    (config,) = kind("ConfigMap", built)
    (found,) = kind("Deployment", built)
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"tensorflow/serving:{tag}"
    assert container["resources"]["limits"].get("nvidia.com/gpu") == ("1" if name == "gpu" else None)
    volumes = {volume["name"]: volume for volume in found["spec"]["template"]["spec"]["volumes"]}
    assert volumes["config"]["configMap"]["name"] == config["metadata"]["name"]
    assert config["data"]["models.config"] == (FOLDER / "config" / "models.config").read_text(encoding="utf-8")


def test_inference_service():
    service = deployment.read_one("kubernetes/inference-service.yaml")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert service["kind"] == "InferenceService"
    assert re.fullmatch(r"[a-z0-9-]+", service["metadata"]["name"]), "a name of Kubernetes"
    predictor = service["spec"]["predictor"]
    assert predictor["minReplicas"] <= predictor["maxReplicas"]
    model = predictor["model"]
    assert model["modelFormat"]["name"] == "tensorflow"
    assert model["runtimeVersion"] == VERSION
    (claim,) = kind("PersistentVolumeClaim")
    assert model["storageUri"] == f"pvc://{claim['metadata']['name']}/{MODEL}"
    flags = deployment.flags(model["args"])
    assert flags["model_name"] == MODEL
    assert int(flags["rest_api_timeout_in_ms"]) == 1000 * predictor["timeout"]
    assert flags["tensorflow_intra_op_parallelism"] == model["resources"]["limits"]["cpu"]
