"""A manifest painted by an Apache Beam pipeline, on one machine or many."""
