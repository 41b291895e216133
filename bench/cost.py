"""What a stretch of work cost: CPU by process, log and disk of Postgres, memory of everyone who took part.

Reads processes and two sizes of the database; knows nothing of messages.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from bench.processes import ProcessTimes, list_tree, peak_resident_mb, proportional_mb, read_title

_POSTGRES_EVERY_SECONDS = 1.0
"""Between two looks at the memory of Postgres: each walks the shared buffers of all its processes."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What everybody has used up to one moment."""

    cpu_seconds: dict[str, float]
    """By process: `gateway`, then each of the others by what it calls itself."""
    wal_octets: int
    database_octets: int

    @property
    def gateway_cpu_seconds(self) -> float:
        return _sum(self.cpu_seconds, "gateway")

    @property
    def postgres_cpu_seconds(self) -> float:
        return _sum(self.cpu_seconds, "postgres")

    @property
    def smsc_cpu_seconds(self) -> float:
        return _sum(self.cpu_seconds, "smsc")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU (microseconds), log and disk (octets) of one message; memory in MB, the most that was seen."""

    gateway_cpu_us: float
    postgres_cpu_us: float
    smsc_cpu_us: float
    wal_bytes: float
    disk_bytes: float
    rss_peak_mb: float
    """Of the largest process of the gateway, by the kernel's own mark."""
    pss_peak_mb: float
    """Of all processes of the gateway together, shared pages in shares."""
    postgres_pss_mb: float
    smsc_pss_mb: float
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """By process."""

    def as_document(self) -> dict[str, float]:
        """All but the CPU by process, which stands among the parameters."""
        told = asdict(self)
        del told["cpu_seconds"]
        return {name: round(value, 3) for name, value in told.items()}


class Costs:
    """The books of one server, its Postgres and, where it is ours, its SMSC."""

    def __init__(
        self,
        *,
        gateway_pid: Callable[[], int],
        postgres_pid: Callable[[], int],
        smsc_pid: int | None,
        sizes: Callable[[], tuple[int, int]],
    ) -> None:
        self._gateway_pid = gateway_pid
        self._postgres_pid = postgres_pid
        self._smsc_pid = smsc_pid
        self._sizes = sizes
        self._peaks = {"gateway": 0.0, "postgres": 0.0, "smsc": 0.0}
        self._postgres_seen_at = float("-inf")

    def read(self) -> Usage:
        wal_octets, database_octets = self._sizes()
        seconds: dict[str, float] = {}
        for name, cpu_seconds in self._read_processes():
            seconds[name] = seconds.get(name, 0.0) + cpu_seconds
        return Usage(seconds, wal_octets, database_octets)

    def _read_processes(self) -> list[tuple[str, float]]:
        gateway, postgres = self._gateway_pid(), self._postgres_pid()
        title = read_title(gateway)
        named = [
            ("gateway" if each.pid == gateway else name_child(read_title(each.pid), title), each.cpu_seconds)
            for each in list_tree(gateway, without=postgres)
        ]
        named += [
            (name_postgres(read_title(each.pid)) if each.pid != postgres else "postgres", each.cpu_seconds)
            for each in list_tree(postgres)
        ]
        if self._smsc_pid is not None:
            named += [("smsc", each.cpu_seconds) for each in list_tree(self._smsc_pid)]
        return named

    def look(self, *, at_postgres: bool = False) -> None:
        """Look at the memory now; the most is kept. At Postgres's only once a second, or `at_postgres`."""
        postgres = self._postgres_pid()
        self._note("gateway", list_tree(self._gateway_pid(), without=postgres))
        if self._smsc_pid is not None:
            self._note("smsc", list_tree(self._smsc_pid))
        if at_postgres or time.monotonic() - self._postgres_seen_at >= _POSTGRES_EVERY_SECONDS:
            self._note("postgres", list_tree(postgres))
            self._postgres_seen_at = time.monotonic()

    def _note(self, whose: str, tree: list[ProcessTimes]) -> None:
        now = sum(proportional_mb(each.pid) for each in tree)
        self._peaks[whose] = max(self._peaks[whose], now)

    def since(self, before: Usage, messages: int) -> Cost:
        """Of each of `messages`, from `before` until now. With 0 messages nothing is divided."""
        after = self.read()
        self.look(at_postgres=True)
        share = 1 / max(1, messages)
        tree = list_tree(self._gateway_pid(), without=self._postgres_pid())
        return Cost(
            gateway_cpu_us=(after.gateway_cpu_seconds - before.gateway_cpu_seconds) * 1e6 * share,
            postgres_cpu_us=(after.postgres_cpu_seconds - before.postgres_cpu_seconds) * 1e6 * share,
            smsc_cpu_us=(after.smsc_cpu_seconds - before.smsc_cpu_seconds) * 1e6 * share,
            wal_bytes=(after.wal_octets - before.wal_octets) * share,
            disk_bytes=(after.database_octets - before.database_octets) * share,
            rss_peak_mb=max(peak_resident_mb(each.pid) for each in tree),
            pss_peak_mb=self._peaks["gateway"],
            postgres_pss_mb=self._peaks["postgres"],
            smsc_pss_mb=self._peaks["smsc"],
            cpu_seconds={
                name: round(used, 2)
                for name, seconds in sorted(after.cpu_seconds.items())
                if (used := seconds - before.cpu_seconds.get(name, 0.0))
            },
        )


def name_postgres(title: str) -> str:
    """`postgres: walwriter` stays; connections are one name, whatever they do just now."""
    kind = title.removeprefix("postgres: ").strip()
    return "postgres: connections" if kind.startswith("estafette ") else f"postgres: {kind}"


def name_child(title: str, title_of_gateway: str) -> str:
    """A process below the gateway: a worker, which is forked from it, or what it started."""
    return "gateway: worker" if title == title_of_gateway else f"gateway: {_short(title)}"


def _short(title: str) -> str:
    """A process of Python by its module or its last argument."""
    words = title.split()
    return words[words.index("-m") + 1] if "-m" in words[:-1] else (words[-1] if words else "ended")


def _sum(seconds: dict[str, float], whose: str) -> float:
    return sum(each for name, each in seconds.items() if name.split(":")[0] == whose)
