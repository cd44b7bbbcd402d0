"""Input that ships with the project, and the writers that make it."""
