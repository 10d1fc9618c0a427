"""The session that runs a SavedModel for the local server."""

import resource
import threading
import time

import numpy as np
import pytest

from tests.serving.server.tiny_models import write_version
from tf_style.serving.models.session import Session, SessionError


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with Session.load(write_version(tmp_path_factory.mktemp("tiny"), 1)) as session:
        yield session


def run(session, name, timeout_ms=0, **inputs):
    signature = session.signatures[name]
    feeds = {signature.inputs[alias].name: value for alias, value in inputs.items()}
    names = sorted(signature.outputs)
    values = session.run(feeds, [signature.outputs[alias].name for alias in names], timeout_ms)
    return dict(zip(names, values, strict=True))


def test_run_gives_arrays(session):
    result = run(session, "pair", a=np.float32([1, 2]), b=np.float32([3, 4]))
    assert result["total"].tolist() == [4, 6]
    assert result["product"].dtype == np.float32


def test_scalars_and_views_keep_their_values(session):
    assert run(session, "scalar", x=np.float32(3))["y"] == 6
    numbers = np.arange(20, dtype=np.float32)[::2]  # not contiguous
    assert run(session, "check", x=numbers)["y"].tolist() == numbers.tolist()


def test_strings(session):
    texts = np.array([b"", b"x" * 1000, "é", bytes(range(256))], object)
    result = run(session, "echo", text=texts)
    assert result["out"].tolist() == [b"", b"x" * 1000, "é".encode(), bytes(range(256))]
    assert run(session, "echo", text=np.array(["ab", "c"]))["length"].tolist() == [2, 1]  # numpy's own strings
    assert run(session, "echo", text=np.array([], object))["out"].shape == (0,)


def test_strings_are_freed(session):
    def grown(count):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(count):
            run(session, "echo", text=np.array([b"x" * 1_000_000], object))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    grown(20)
    assert grown(200) < 50_000  # kB; three copies of each would be 600 MB


def test_errors_carry_the_code_and_the_text(session):
    with pytest.raises(SessionError) as error:
        run(session, "check", x=np.float32([-1]))
    assert error.value.code.name == "INVALID_ARGUMENT"
    assert "assertion failed: [x must be finite and not negative, got] [-1]" in error.value.message
    with pytest.raises(SessionError, match="INVALID_ARGUMENT: Expects arg.0. to be float but double is provided"):
        run(session, "check", x=np.float64([1]))


def test_a_timeout_stops_the_run(session):
    start = time.monotonic()
    with pytest.raises(SessionError, match="DEADLINE_EXCEEDED: Timed out waiting for notification"):
        run(session, "spin", 200, rounds=np.int32([2**31 - 1]))
    assert time.monotonic() - start < 5


def test_threads_run_at_once(session):
    """A run holds no lock of Python's: others finish while it is under way."""
    slow = threading.Thread(target=lambda: run(session, "spin", rounds=np.int32([100_000])))
    slow.start()
    run(session, "check", x=np.float32([1]))
    assert slow.is_alive()
    slow.join()


def test_loading_fails_with_the_reason(tmp_path):
    with pytest.raises(SessionError, match="NOT_FOUND: Could not find SavedModel"):
        Session.load(tmp_path)
    folder = write_version(tmp_path, 1)
    with pytest.raises(SessionError, match="NOT_FOUND: Could not find meta graph def matching supplied tags"):
        Session.load(folder, ["train"])


def test_a_closed_session_does_not_run(tmp_path):
    session = Session.load(write_version(tmp_path, 1))
    session.close()
    session.close()
    with pytest.raises(SessionError, match="FAILED_PRECONDITION: The session is closed."):
        run(session, "check", x=np.float32([1]))


def test_inputs_of_any_shape_reach_the_graph(session):
    """TensorFlow Serving's session checks no shapes, so the guards of an export must."""
    with pytest.raises(SessionError, match=r"INVALID_ARGUMENT: Shape of tensor .* is not compatible with expected"):
        run(session, "brightness", image=np.zeros((4, 4), np.uint8))
