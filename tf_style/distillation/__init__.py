"""A narrow backbone from a wide one: channels chosen, kernels fitted by least squares, then features matched."""
