"""The files for a TLS connection."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tf_style.config import ConfigError


@dataclasses.dataclass(frozen=True)
class Certificates:
    """Files for a TLS connection, in PEM format; "" for none.

    Args:
      ca_file: The authorities to trust; default: those gRPC knows.
      cert_file: The client's own certificate, if the server asks for one.
      key_file: Its private key.

    Raises:
      ConfigError: A file cannot be read, or only one of `cert_file` and `key_file` was given.
    """

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def __post_init__(self) -> None:
        if bool(self.cert_file) != bool(self.key_file):
            raise ConfigError("--cert_file and --key_file belong together; give both or neither.")
        for field in dataclasses.fields(self):
            self.read(field.name)

    def read(self, name: str) -> bytes | None:
        """The content of one of the files; None if it was not given."""
        path = getattr(self, name)
        try:
            return Path(path).read_bytes() if path else None
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"--{name}={path} cannot be read ({reason}); give the path of a PEM file.") from None
