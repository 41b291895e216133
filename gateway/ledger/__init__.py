"""Accounting for every message: the ledger, and the retention of what was accounted for."""
