"""Commands that paint: pictures, lists of them, textures, films."""
