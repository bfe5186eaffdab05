"""Handwritten signatures: from a scan or a photograph of paper to ink, and recipes that fit the ink to a network."""
