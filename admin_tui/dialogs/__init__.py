"""Questions over a screen: confirmations by how much they cost, small forms, a secret shown once."""
