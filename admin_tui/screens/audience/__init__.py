"""Screen 4: lists, contacts and opt-outs."""
