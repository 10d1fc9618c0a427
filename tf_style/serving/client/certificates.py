"""The files of a connection with TLS."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tf_style.config import ConfigError


@dataclasses.dataclass(frozen=True)
class Certificates:
    """Files for a connection with TLS, each in PEM form; "" where there is none.

    Args:
      ca_file: Who may vouch for the server; default: the authorities that gRPC knows.
      cert_file: The client's own certificate, where the server asks for one.
      key_file: The private key of that.

    Raises:
      ConfigError: A file that cannot be read, or only one of `cert_file` and `key_file`.
    """

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def __post_init__(self) -> None:
        if bool(self.cert_file) != bool(self.key_file):
            raise ConfigError("--cert_file and --key_file belong together, but only one came; give both or none.")
        for field in dataclasses.fields(self):
            self.read(field.name)

    def read(self, name: str) -> bytes | None:
        """The content of the file of that name; None where there is none."""
        path = getattr(self, name)
        try:
            return Path(path).read_bytes() if path else None
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"--{name}={path} cannot be read ({reason}); give the path of a PEM file.") from None
