"""Bringing a file of contacts in, from where it lies to the rows that were rejected."""
