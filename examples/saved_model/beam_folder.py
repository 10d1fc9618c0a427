"""An exported model in an Apache Beam pipeline that stylizes a folder.

Shows: `RunInference` with a small custom `ModelHandler`. (Beam's TFModelHandlerTensor reads a SavedModel with
`keras.models.load_model`, which Keras 3 no longer supports.) Pictures go in and come out as encoded bytes, through the
signature `stylize_bytes`, so they may have different sizes. A file that is not a picture does not stop the others: it
is reported, and the exit status is 1.

    pip install ".[beam]"
    tf-style export --output=models/tf_style
    python examples/saved_model/beam_folder.py --model=models/tf_style/1 --style=painting.jpg \
        --input='photos/*.jpg' --output_dir=painted

Every other flag goes to Beam. Flags for Flink, Spark and Dataflow: docs/embedding.md.
"""

import argparse
import logging
import posixpath
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import MetricsFilter
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, PredictionResult, RunInference
from apache_beam.options.pipeline_options import PipelineOptions


class Painter:
    """An exported version. It takes and returns bytes, so that processes can share it: Beam forwards the calls."""

    def __init__(self, model: str):
        import tensorflow as tf  # on the workers only

        self._model = tf.saved_model.load(model)
        self._tensor = tf.constant

    def paint(self, contents: list[bytes], style: bytes) -> list[bytes]:
        stylize = self._model.signatures["stylize_bytes"]
        painted = stylize(content_bytes=self._tensor(contents), style_bytes=self._tensor([style]))
        return list(painted["image_bytes"].numpy())


class StylizeHandler(ModelHandler[bytes, PredictionResult, Painter]):
    """Paints picture files in the style of one painting."""

    def __init__(self, model: str, style: bytes):
        super().__init__()
        self._model = model
        self._style = style

    def load_model(self) -> Painter:
        return Painter(self._model)

    def run_inference(
        self, batch: Sequence[bytes], model: Painter, inference_args: dict[str, Any] | None = None
    ) -> Iterable[PredictionResult]:
        for content, painting in zip(batch, model.paint(list(batch), self._style), strict=True):
            yield PredictionResult(content, painting, self._model)

    def batch_elements_kwargs(self) -> dict[str, int]:
        # The pictures of a batch are painted one by one, and a broken file makes its whole batch fail.
        return {"max_batch_size": 1}

    def share_model_across_processes(self) -> bool:
        return True  # one model per machine: a painting keeps all cores, or the GPU, busy

    def get_metrics_namespace(self) -> str:
        return "tf_style"


class Write(beam.DoFn):
    """Writes (path of a photo, its painting) as a PNG file with the photo's name."""

    def __init__(self, folder: str):
        self._folder = folder

    def process(self, element: tuple[str, PredictionResult]) -> Iterable[str]:
        photo, result = element
        name = posixpath.basename(photo.replace("\\", "/")).rpartition(".")[0]
        path = FileSystems.join(self._folder, f"{name}.png")
        with FileSystems.create(path, mime_type="image/png") as file:
            file.write(result.inference)
        beam.metrics.Metrics.counter("tf_style", "paintings").inc()
        yield path


class Report(beam.DoFn):
    """Counts and logs the photos that could not be painted."""

    def process(self, failed: tuple) -> None:
        ((photo, _),), (_, error, *_) = failed
        beam.metrics.Metrics.counter("tf_style", "failures").inc()
        logging.error("%s could not be painted: %s", photo, str(error).partition("\n")[0])


def read(path: str) -> bytes:
    with FileSystems.open(path) as file:
        return file.read()


def main() -> int:
    """Paints every picture that a pattern matches."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", required=True, help="the folder of one exported version, also gs://...")
    parser.add_argument("--style", required=True, help="the painting whose style to use")
    parser.add_argument("--input", required=True, help="the photos, as a pattern: 'photos/*.jpg'")
    parser.add_argument("--output_dir", required=True)
    options, for_beam = parser.parse_known_args()
    if not FileSystems.exists(options.output_dir):
        FileSystems.mkdirs(options.output_dir)

    handler = KeyedModelHandler(StylizeHandler(options.model, read(options.style)))
    # save_main_session: the classes above live in __main__, and the workers need them.
    pipeline = beam.Pipeline(options=PipelineOptions(for_beam, save_main_session=True))
    photos = (
        pipeline
        | "Find" >> fileio.MatchFiles(options.input)
        | "Spread" >> beam.Reshuffle()  # over the workers
        | "Open" >> fileio.ReadMatches()
        | "Read" >> beam.Map(lambda file: (file.metadata.path, file.read()))
    )
    painted, other = photos | "Paint" >> RunInference(handler).with_exception_handling()
    _ = painted | "Write" >> beam.ParDo(Write(options.output_dir))
    _ = other.failed_inferences | "Report" >> beam.ParDo(Report())

    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query(MetricsFilter().with_namespace("tf_style"))["counters"]
    counts = {counter.key.metric.name: counter.result for counter in counters}
    failures = counts.get("failures", 0)
    print(f"Painted {counts.get('paintings', 0)} pictures into {options.output_dir}, {failures} could not be painted.")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
