"""What only text needs."""
