"""What encoders of one modality have in common, whatever library their model is of."""
