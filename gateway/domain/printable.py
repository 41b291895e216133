"""What carriers, receivers and systems say, as text that a terminal, JSON and Postgres all take."""


def make_printable(text: str) -> str:
    """`text` on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
