"""The page of one campaign: what it did, and the rows behind every number."""
