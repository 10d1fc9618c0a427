"""The gRPC client of a served tf-style model, on TensorFlow Serving or `tf-style serve`. It needs no TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from tf_style.config import DEFAULT_MODEL_NAME
from tf_style.serving.client.answers import Step, TensorSpec, VersionStatus, read_signatures, read_step, read_versions
from tf_style.serving.client.arguments import check_version, option_inputs, picture_batch, style_batch
from tf_style.serving.client.certificates import Certificates
from tf_style.serving.client.connection import Connection
from tf_style.serving.client.errors import ServerError
from tf_style.serving.wire import messages
from tf_style.serving.wire.tensors import Array, to_array, to_tensor


class Client:
    """Asks a model server for paintings. Safe to use from several threads. Close it, or use it in a `with` statement.

    Pictures are uint8 [H, W, 3], or [B, H, W, 3] for several at once; float in [0, 1] is rounded to uint8. The methods
    that paint take options, each a number for all pictures or [B] for one each: `num_steps` and `seed` (whole numbers),
    `content_weight`, `style_weight`, and `style_strength` for networks. By default the model's own values hold.

    Args:
      server: `host:port` of the server's gRPC port (8500 by default).
      model_name: The model's name on the server.
      model_version: Default: the latest one.
      version_label: Instead of a version, a label from the server's configuration, such as "stable".
      deadline: Seconds for each call, and for all calls of `run` together; None: no limit.
      tls: Certificates for a server with TLS.

    While the server is unavailable and has not answered this client yet, a call is repeated for up to two seconds.

    Raises (all methods that ask the server):
      ServerError: The server refused, or cannot be reached.
      ValueError: An argument is not a picture, an option is unknown, or a type cannot be sent.

    Example:
      with Client("localhost:8500") as client:
          painting = client.stylize(content, style, num_steps=100)
    """

    def __init__(
        self,
        server: str,
        model_name: str = DEFAULT_MODEL_NAME,
        *,
        model_version: int | None = None,
        version_label: str = "",
        deadline: float | None = None,
        tls: Certificates | None = None,
    ) -> None:
        check_version(model_version, version_label)
        if deadline is not None and not deadline > 0:
            raise ValueError(f"deadline must be a positive number of seconds or None, but {deadline} was given.")
        self._spec = messages.ModelSpec(name=model_name)
        if model_version is not None:
            self._spec.version.value = model_version
        elif version_label:
            self._spec.version_label = version_label
        self._deadline = deadline
        self._connection = Connection(server, tls)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Runs any signature of the model, such as "stylize_text" of a network exported with words.

        Args:
          signature: Its name.
          inputs: By name: arrays of exactly the signature's types (servers convert nothing), and bytes for strings.

        Returns:
          The outputs by name.

        Example:
          client.predict("stylize", {"content": content[None], "style": style[None]})["loss_style"]
        """
        tensors = {name: to_tensor(value) for name, value in inputs.items()}
        return self._arrays(self._ask(signature, tensors, self._deadline).outputs)

    def stylize(
        self, content: npt.ArrayLike, style: npt.ArrayLike, *, signature: str = "stylize", **options: Any
    ) -> npt.NDArray[np.uint8]:
        """Paints the content in the style, in one call.

        Args:
          content: Picture or pictures.
          style: One picture of any size for all, or [B, h, w, 3], one for each content. For a model of named styles, a
            name or a list of names.
          signature: Another signature with the same inputs.
          **options: See the class.

        Returns:
          The painting or paintings, of the content's size.

        Example:
          client.stylize(content, style, num_steps=100, seed=1)
        """
        inputs = {**_pictures(content, style), **option_inputs(options)}
        return self._image(self.predict(signature, inputs), content)

    def stylize_bytes(self, content: bytes | Sequence[bytes], style: bytes | str | Sequence[bytes | str]) -> Any:
        """Paints encoded pictures. The server decodes them, and paints at the size it was exported for.

        Args:
          content: A whole JPEG, PNG, WebP, GIF or BMP file, or a list of files, whose sizes may differ.
          style: The same, one for all or one for each content. For a model of named styles, names.

        Returns:
          A PNG file as bytes; for a list of contents, a list of files.

        Example:
          Path("painting.png").write_bytes(client.stylize_bytes(content_jpeg, style_jpeg))
        """
        contents, styles = (_files(value) for value in (content, style))
        inputs = {"content_bytes": contents, "style_bytes": styles}
        paintings = list(self._output(self.predict("stylize_bytes", inputs), "image_bytes"))
        return paintings[0] if isinstance(content, bytes) else paintings

    def encode_style(self, style: npt.ArrayLike, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Encodes a style once, for many calls to `stylize_encoded`.

        Args:
          style: Picture or pictures.
          size: (height, width) of the contents to be painted.

        Returns:
          The code, float32 [B, S, N]; B is 1 for one picture.

        Example:
          code = client.encode_style(style, content.shape[:2])
        """
        inputs = {"style": style_batch(style), "size": np.asarray(size, np.int32)}
        return self._output(self.predict("encode_style", inputs), "style_code")

    def stylize_encoded(
        self, content: npt.ArrayLike, style_code: npt.NDArray[np.float32], **options: Any
    ) -> npt.NDArray[np.uint8]:
        """Paints as `stylize` does, in a style that was encoded before.

        Args:
          content: Picture or pictures, of the size the style was encoded for.
          style_code: From `encode_style` of this version of this model. For a network, several may be joined along the
            second axis; the option `style_blend` then holds their shares (default: equal).
          **options: See the class.

        Returns:
          The painting or paintings, of the content's size.

        Example:
          paintings = [client.stylize_encoded(content, code) for content in contents]
        """
        code = np.asarray(style_code, np.float32)
        inputs = {"content": picture_batch("content", content), "style_code": code, **option_inputs(options)}
        return self._image(self.predict("stylize_encoded", inputs), content)

    def run(
        self,
        content: npt.ArrayLike,
        style: npt.ArrayLike,
        *,
        every: int = 10,
        on_step: Callable[[Step], None] | None = None,
        **options: Any,
    ) -> Iterator[Step]:
        """Paints as `stylize` does, in many calls: for progress and previews, and to stop when it is good enough.

        The state travels with each call, so any server that has the model can go on. The last picture equals that of
        `stylize`. The deadline holds for all calls together.

        Args:
          content: Picture or pictures.
          style: One picture for all, or one for each content.
          every: Steps per call, 1 or more.
          on_step: Called with each Step before it is yielded.
          **options: See the class.

        Yields:
          A Step after each call, until all pictures are finished.

        Raises:
          ServerError: The server refused, or went away. The pictures so far are still good.
          ValueError: An argument is not a picture, or an option is unknown.

        Example:
          for step in client.run(content, style, every=20):
              print(f"{step.fraction:.0%}")
        """
        if every < 1:
            raise ValueError(f"every must be at least 1, but {every} was given.")
        end = None if self._deadline is None else time.monotonic() + self._deadline
        inputs = {name: to_tensor(value) for name, value in _pictures(content, style).items()}
        options_ = {name: to_tensor(value) for name, value in option_inputs(options).items()}
        answer = self._ask("start", {**inputs, **options_}, self._deadline)
        spec = _pinned(self._spec, answer.model_spec)  # the state is of this version, whatever is loaded meanwhile
        inputs["num_steps"] = to_tensor(np.array([every], np.int32))
        finished = False
        while not finished:
            # Passed on as received, not through numpy: any type, to the bit.
            state = {name: tensor for name, tensor in answer.outputs.items() if name.startswith("state_")}
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise ServerError(self._connection.server, "DEADLINE_EXCEEDED", f"all {self._deadline:g} s are used up")
            answer = self._ask("advance", {**inputs, **state}, left, spec)
            step = self._step({name: value for name, value in answer.outputs.items() if name not in state}, content)
            finished = step.finished
            if on_step is not None:
                on_step(step)
            yield step

    def metadata(self) -> dict[str, dict[str, dict[str, TensorSpec]]]:
        """The signatures of the model.

        Returns:
          Signature -> "inputs" or "outputs" -> name -> TensorSpec.

        Example:
          sorted(client.metadata()["stylize"]["inputs"])
        """
        request = messages.GetModelMetadataRequest(model_spec=self._spec, metadata_field=["signature_def"])
        return read_signatures(self._connection.call(messages.GET_MODEL_METADATA, request, self._deadline))

    def status(self) -> list[VersionStatus]:
        """The versions of the model on the server, the latest first.

        Example:
          any(version.state == "AVAILABLE" for version in client.status())
        """
        request = messages.GetModelStatusRequest(model_spec=self._spec)
        return read_versions(self._connection.call(messages.GET_MODEL_STATUS, request, self._deadline))

    def _ask(self, signature: str, inputs: Mapping[str, Any], deadline: float | None, spec: Any = None) -> Any:
        """Sends tensors; returns the PredictResponse."""
        request = messages.PredictRequest(model_spec=spec or self._spec)
        request.model_spec.signature_name = signature
        for name, tensor in inputs.items():
            request.inputs[name].CopyFrom(tensor)
        return self._connection.call(messages.PREDICT, request, deadline)

    def _arrays(self, tensors: Mapping[str, Any]) -> dict[str, Array]:
        arrays = {}
        for name, tensor in tensors.items():
            try:
                arrays[name] = to_array(tensor)
            except ValueError as error:
                raise ServerError(self._connection.server, "DATA_LOSS", f"output {name}: {error}") from None
        return arrays

    def _output(self, outputs: Mapping[str, Array], name: str) -> Array:
        if name not in outputs:
            found = ", ".join(sorted(outputs)) or "nothing"
            raise ServerError(self._connection.server, "DATA_LOSS", f"the answer holds {found}, but no {name}")
        return outputs[name]

    def _image(self, outputs: Mapping[str, Array], content: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        image = self._output(outputs, "image")
        return image if np.ndim(content) == 4 else image[0]

    def _step(self, tensors: Mapping[str, Any], content: npt.ArrayLike) -> Step:
        outputs = self._arrays(tensors)
        image = self._image(outputs, content)
        for name in ("steps", "fraction", "finished"):
            self._output(outputs, name)
        return read_step(outputs, image)


def _pictures(content: npt.ArrayLike, style: npt.ArrayLike) -> dict[str, Array]:
    return {"content": picture_batch("content", content), "style": style_batch(style)}


def _files(value: bytes | str | Sequence[bytes | str]) -> list[bytes]:
    """Encoded pictures, or the names of styles."""
    values = [value] if isinstance(value, bytes | str) else value
    return [item.encode() if isinstance(item, str) else item for item in values]


def _pinned(asked: Any, used: Any) -> Any:
    """What was asked for, with the version that answered, if the server says which."""
    spec = messages.ModelSpec()
    spec.CopyFrom(asked)
    if used.HasField("version"):
        spec.version.value = used.version.value
    return spec
