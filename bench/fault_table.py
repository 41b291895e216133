"""How the figures of `bench faults` are written for people. Knows no measurement."""

from bench.faults import FaultFigures, FaultsFigures

_HEAD = (
    f"{'line':9} {'fault':26} {'accepted':>8} {'lost':>5} {'doubled':>7} {'unknown':>7} {'resolved':>8} "
    f"{'back after':>10}  ledger"
)


def write_table(figures: FaultsFigures) -> str:
    """The table, a line for each fault, and the verdict."""
    lines = [_HEAD, *(_write_line(fault) for fault in figures.faults)]
    lines.append(
        f"faults: {len(figures.faults)} in {figures.seconds:.0f} s, "
        f"{sum(fault.accepted for fault in figures.faults):,} messages; "
        f"ledger at the end {'balanced' if figures.ledger_balanced else 'DOES NOT BALANCE'}; "
        f"{'all is well' if figures.is_good else 'SOMETHING IS WRONG'}"
    )
    return "\n".join(lines)


def _write_line(fault: FaultFigures) -> str:
    remark = f"  {fault.unexplained} of unknown outcome without a reason" if fault.unexplained else ""
    return (
        f"{fault.line:9} {fault.fault:26} {fault.accepted:8,} {fault.lost:5} {fault.doubled:7} "
        f"{fault.unknown:7} {fault.resolved:8} {fault.recovery_seconds:8.1f} s  "
        f"{'balanced' if fault.ledger_balanced else 'DOES NOT BALANCE'}{remark}"
    )
