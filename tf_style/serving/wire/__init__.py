"""What client and server exchange: protocol messages, tensors, status codes. No TensorFlow."""
