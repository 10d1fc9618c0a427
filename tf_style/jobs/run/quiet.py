"""Hides TensorFlow's start-up notices."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Hides what native code writes to standard error inside the block, such as oneDNN and CUDA notices at import.

    If the block fails unexpectedly, the text is shown, because it may say why. ValueErrors explain themselves.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    plots = "matplotlib.pyplot"  # Keras imports it, for half a second and nothing that we use
    hidden = sys.modules.setdefault(plots, None) is None  # type: ignore[arg-type]
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except ValueError:
            raise
        except Exception:
            os.dup2(terminal, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            if hidden:
                sys.modules.pop(plots, None)
