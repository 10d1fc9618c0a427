"""One picture too large for memory, painted in tiles whose state lies on the disk. `session` is the way through."""
