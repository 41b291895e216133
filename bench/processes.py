"""CPU time and memory of processes, as Linux tells them in `/proc`.

Knows process numbers, not what the processes are.
"""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessTimes:
    """One line of `/proc/PID/stat`: CPU seconds of the process and of its children that ended."""

    pid: int
    parent: int
    cpu_seconds: float


def read_times(pid: int) -> ProcessTimes | None:
    """None when the process is gone. proc(5): fields 4 and 14 to 17."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return ProcessTimes(pid, int(fields[1]), sum(map(int, fields[11:15])) / _TICKS_PER_SECOND)


def tree_cpu_seconds(root: int, *, without: int | None = None) -> float:
    """CPU seconds of `root`, its descendants alive or ended, but not of the tree below `without`."""
    times = [found for name in os.listdir("/proc") if name.isdigit() and (found := read_times(int(name)))]
    children: dict[int, list[ProcessTimes]] = {}
    for process in times:
        children.setdefault(process.parent, []).append(process)
    total, waiting = 0.0, [process for process in times if process.pid == root]
    while waiting:
        process = waiting.pop()
        if process.pid != without:
            total += process.cpu_seconds
            waiting += children.get(process.pid, [])
    return total


def peak_resident_mb(pid: int) -> float:
    """The most memory that the process ever had resident; the kernel keeps this mark itself."""
    return _read_kilobytes(Path(f"/proc/{pid}/status"), "VmHWM") / 1024


def resident_mb(pid: int) -> float:
    """Memory of the process now; 0 when it is gone."""
    try:
        return _read_kilobytes(Path(f"/proc/{pid}/status"), "VmRSS") / 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def proportional_mb(pid: int) -> float:
    """Memory of the process now, with pages shared by several counted in shares."""
    return _read_kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss") / 1024


def _read_kilobytes(path: Path, field: str) -> int:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    return 0
