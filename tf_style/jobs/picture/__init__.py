"""One picture: painted (`run`), made as a texture, or recolored."""
