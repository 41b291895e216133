"""The accounts that send: their binds, what limits them, changes for a while, what passes."""
