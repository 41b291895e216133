"""Postgres: connections, leases, writers, and one typed function for each named query."""
