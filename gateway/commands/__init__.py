"""The words of the `estafette` command: each module reads arguments, makes a call and prints the answer.

A module gives `add_arguments(parser)` and `run(arguments) -> exit status`, and is imported only when its word
is used. What is decided is decided in the server or in the rooms below.
"""
