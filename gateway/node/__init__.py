"""One running node: its ground, its rooms wired together, its doors, and what it says of itself."""
