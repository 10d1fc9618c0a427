"""A picture painted by a model server."""
