"""Clients of a model server, over gRPC and REST. No TensorFlow."""

from tf_style.serving.client.client import Client
from tf_style.serving.client.rest import RestClient

__all__ = ["Client", "RestClient"]
