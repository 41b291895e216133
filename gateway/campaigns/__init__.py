"""Campaigns: planning, freezing, expanding just ahead of sending, pausing and finishing."""
