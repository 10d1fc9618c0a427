"""The local server's gRPC and REST ports."""
