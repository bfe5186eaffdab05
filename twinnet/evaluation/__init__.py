"""The field's metrics, as functions of scores."""
