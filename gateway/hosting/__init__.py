"""What the gateway needs of the machine: its state folder, the bundled Postgres, and word to systemd.

Knows processes, users and folders. Knows no table, no query and no SMPP.
"""
