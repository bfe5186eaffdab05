"""What only images need."""
