"""Following an exemplar through a video."""
