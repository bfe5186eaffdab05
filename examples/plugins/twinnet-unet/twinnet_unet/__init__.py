"""Twin U-Nets for change detection between two aligned pictures, as a plugin for twinnet."""
