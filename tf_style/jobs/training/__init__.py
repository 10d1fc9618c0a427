"""A feed-forward network trained from folders of pictures."""
