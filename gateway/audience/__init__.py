"""A shop's people: who they are, what they agreed to, which lists they are on, and how they are forgotten."""
