"""The local server's two doors, gRPC and REST."""
