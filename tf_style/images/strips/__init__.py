"""Pictures too large for memory, read, resized and written strip by strip."""
