"""A folder of pictures turned into TFRecords for training."""
