"""Makes a narrow backbone from a wide one: chooses channels, fits kernels by least squares, then matches features."""
