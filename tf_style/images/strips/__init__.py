"""Reads, resizes and writes pictures too large for memory, strip by strip."""
