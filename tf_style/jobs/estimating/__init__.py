"""What a run will take in steps, time, memory and disk, before it starts."""
