"""Training a tracking network: subjects, views of them, and pairs of views."""
