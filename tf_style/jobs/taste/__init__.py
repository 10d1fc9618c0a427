"""Shows pairs of paintings and learns which a person likes (`tf-style taste`)."""
