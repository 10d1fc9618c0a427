"""Paints one picture too large for memory, in tiles, with its state on the disk. Start reading at `session`."""
