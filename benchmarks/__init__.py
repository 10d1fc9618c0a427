"""Side by side with peers: the same pictures, the same weights, the same machine, in one run."""
