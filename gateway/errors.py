"""The root of every error that Estafette raises on purpose.

Each room adds one branch below this root, with the data its callers need to act: retry, reject, reconnect, or
tell a person. This file knows none of those branches.
"""


class EstafetteError(Exception):
    """Something that the program expected might go wrong, said in one sentence: what, which one, what to do
    next."""
