"""What this installation and this machine can do, and whether they paint."""
