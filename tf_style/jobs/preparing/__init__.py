"""Turns a folder of pictures into TFRecords for training."""
