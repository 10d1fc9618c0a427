"""Models as the local server holds them: versions, loading, sessions, and the calls they answer."""
