"""The terminal console: a client of the HTTP admin API. It imports nothing from `gateway`."""
