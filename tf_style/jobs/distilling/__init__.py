"""A narrow backbone made from a wide one."""
