"""Classify, Regress and MultiInference, as TensorFlow Serving answers them for a model that only predicts: refusals."""

from __future__ import annotations

from typing import NoReturn

from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

from tf_style.serving.models.predict import DEFAULT_SIGNATURE, Runner, SignatureDef
from tf_style.serving.wire.status import Code, ServingError, invalid

_CLASSIFY, _REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def classify(session: Runner, request: classification_pb2.ClassificationRequest) -> NoReturn:
    """Refuses the request in TensorFlow Serving's words.

    Raises:
      ServingError: Always; UNIMPLEMENTED if the model could classify after all.
    """
    _check_classification(_signature(session, request.model_spec.signature_name))
    raise _not_here("Classify")


def regress(session: Runner, request: regression_pb2.RegressionRequest) -> NoReturn:
    """Refuses the request in TensorFlow Serving's words.

    Raises:
      ServingError: Always; UNIMPLEMENTED if the model could regress after all.
    """
    _check_regression(_signature(session, request.model_spec.signature_name))
    raise _not_here("Regress")


def multi_inference(session: Runner, request: inference_pb2.MultiInferenceRequest) -> NoReturn:
    """Refuses the request in TensorFlow Serving's words, at its first task that is wrong.

    Raises:
      ServingError: Always; UNIMPLEMENTED if the model could do all tasks after all.
    """
    model, seen = "", set()
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid("Found ModelSpec with an empty model name.")
        if model and model != task.model_spec.name:
            raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        model = task.model_spec.name
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if name in seen:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in session.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        _check_task(session.signatures[name], task.method_name)
    raise _not_here("MultiInference")


def _check_task(signature: SignatureDef, method: str) -> None:
    kinds = {_CLASSIFY: ("classification", _check_classification), _REGRESS: ("regression", _check_regression)}
    if method not in kinds:
        raise ServingError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {method}")
    kind, check = kinds[method]
    if signature.method_name != method:
        raise invalid(f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}")
    check(signature)


def _signature(session: Runner, name: str) -> SignatureDef:
    name = name or DEFAULT_SIGNATURE
    if name not in session.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    return session.signatures[name]


def _check_classification(signature: SignatureDef) -> None:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if "inputs" not in signature.inputs:
        raise invalid(f"No classification inputs found in SignatureDef: {signature}")
    if not {"classes", "scores"} & set(signature.outputs):
        raise invalid(
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            f"Signature was: {signature}"
        )


def _check_regression(signature: SignatureDef) -> None:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "inputs" not in signature.inputs:
        raise invalid(f"No regression inputs found in SignatureDef: {signature}")
    if "outputs" not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature}")


def _not_here(method: str) -> ServingError:
    return ServingError(
        Code.UNIMPLEMENTED, f"The local server does not implement {method}; TensorFlow Serving does. Use Predict."
    )
