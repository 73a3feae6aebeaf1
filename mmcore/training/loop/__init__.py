"""What every training loop needs: curves, an end, a seed."""
