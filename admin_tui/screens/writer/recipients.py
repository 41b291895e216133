"""Numbers as a person types several of them: separated by commas, semicolons or line ends. Pure."""

import re

_SEPARATORS = re.compile(r"[,;\n]+")
_LOOSE = re.compile(r"[\s().\-/\u00a0]+")


def parse_numbers(typed: str) -> list[str]:
    """Each number without the marks that people put between digits, in order, once; the server judges."""
    numbers = [_LOOSE.sub("", one) for one in _SEPARATORS.split(typed)]
    return list(dict.fromkeys(number for number in numbers if number))
