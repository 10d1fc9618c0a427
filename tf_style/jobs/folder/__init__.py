"""Many pictures: a folder of them, or the rows of a manifest. `run` paints a folder, `catalogue` a manifest."""
