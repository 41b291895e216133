"""Writing a campaign: one screen, steps on the left, the text as a person would read it on the right."""
