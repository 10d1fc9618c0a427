"""What every job needs: checked inputs, models, progress, interruption, checkpoints, records."""
