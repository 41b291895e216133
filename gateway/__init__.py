"""Estafette: a self-hosted SMPP gateway and SMS campaign and analytics server."""
