"""Hides TensorFlow's start-up notices."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

#: Each takes about half a second, and JAX 130 MB.
_NOT_NEEDED = ("matplotlib.pyplot", "jax")


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Hides what native code writes to standard error inside the block, such as oneDNN and CUDA notices at import.

    Inside the block, packages that TensorFlow and Keras load, and nothing of ours needs, seem not to be installed.

    If the block fails unexpectedly, the text is shown, because it may say why. ValueErrors explain themselves.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    hidden = [name for name in _NOT_NEEDED if sys.modules.setdefault(name, None) is None]  # type: ignore[arg-type]
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
            for name in hidden:
                sys.modules.pop(name, None)
