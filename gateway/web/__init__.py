"""HTTP edges: the public API on TCP, the admin API on a unix socket. Parse, call, render; decide nothing."""
