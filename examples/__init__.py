"""Input that ships with the project, and the code that writes it."""
