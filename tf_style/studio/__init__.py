"""The studio page: a visitor's folder, the line before the machine's model, what is painted, and the page itself."""
