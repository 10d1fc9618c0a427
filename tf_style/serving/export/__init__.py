"""The SavedModel: signatures, their guards, and the folder that a model server loads."""
