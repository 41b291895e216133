"""Benchmarks of the whole gateway: real Postgres, real sockets, one JSON object each."""
