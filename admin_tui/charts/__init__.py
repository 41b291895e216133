"""Charts of our own for terminals: lines in braille, bars in eighths of a block, small lines of blocks."""
