"""Estimates the steps, time, memory and disk that a run will take."""
