"""The studio page: visitors and their folders, the line before the machine's model, and the page itself."""
