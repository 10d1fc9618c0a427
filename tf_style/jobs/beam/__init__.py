"""A manifest or a film painted by an Apache Beam pipeline, on one machine or many."""
