"""What goes over the line: protocol messages, tensors, statuses. No TensorFlow."""
