"""Works: pictures and films that visitors have painted, their settings, and the pairs that ask for their taste."""
