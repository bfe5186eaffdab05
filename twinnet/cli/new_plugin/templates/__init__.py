"""The plugin_kind `part-name` for twinnet."""
