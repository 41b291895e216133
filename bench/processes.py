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


def list_tree(root: int, *, without: int | None = None) -> list[ProcessTimes]:
    """`root` and its living descendants, but not the tree below `without`; empty when it is gone."""
    times = [found for name in os.listdir("/proc") if name.isdigit() and (found := read_times(int(name)))]
    children: dict[int, list[ProcessTimes]] = {}
    for process in times:
        children.setdefault(process.parent, []).append(process)
    tree, waiting = [], [process for process in times if process.pid == root]
    while waiting:
        process = waiting.pop()
        if process.pid != without:
            tree.append(process)
            waiting += children.get(process.pid, [])
    return tree


def read_title(pid: int) -> str:
    """What the process calls itself: its arguments, or what it wrote over them; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


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
    """Memory of the process now, with pages shared by several counted in shares; 0 when it is gone."""
    try:
        return _read_kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss") / 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _read_kilobytes(path: Path, field: str) -> int:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    return 0
