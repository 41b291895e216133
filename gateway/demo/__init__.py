"""The demonstration: a shop, its customers and a pretend carrier on this machine, with nothing to set up.

It plays a shop, and reaches the gateway as one would: over HTTP with a key.
"""
