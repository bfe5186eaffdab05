"""Twin networks for text, images and video."""
