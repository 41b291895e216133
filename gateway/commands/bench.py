"""`estafette bench`: the door to the benchmarks, which come with the source and not with the wheel."""

from gateway.commands.errors import CommandError

try:
    from bench.command import add_arguments, run
except ModuleNotFoundError as exc:
    if exc.name != "bench":
        raise
    raise CommandError(
        "the benchmarks come with the source: clone it, `pip install -e .`, and run `estafette bench` there"
    ) from exc

__all__ = ["add_arguments", "run"]
