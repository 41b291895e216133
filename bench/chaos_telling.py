"""The figures of `bench chaos` in a few plain lines."""

from bench.chaos_verdict import ChaosFigures


def tell_chaos(figures: ChaosFigures) -> str:
    blows = ", ".join(f"{count} {target}" for target, count in sorted(figures.kills.items()))
    lines = [
        f"chaos: {figures.accepted:,} messages accepted in {figures.seconds:.0f} s; hit: {blows}",
        f"  carrier     {figures.submitted:,} texts, {figures.lost:,} lost, {figures.doubled:,} doubled",
        f"  messages    {figures.delivered:,} delivered, {figures.unfinished:,} at no end",
        f"  unknown     {figures.unknown:,} of {figures.unknown_allowed:,} allowed; "
        f"{figures.unknown_resolved:,} resolved, {figures.unknown_at_end:,} left "
        f"({figures.unknown_never_taken:,} never reached the carrier)",
        f"  receipts    {figures.inferred:,} inferred, {figures.inferred_wrong:,} of them wrong; "
        f"{figures.receipts_lost:,} lost",
        f"  ledger      {figures.ledger_differences:,} differences",
    ]
    if figures.restart_max_seconds is not None:
        median, longest = figures.restart_median_seconds, figures.restart_max_seconds
        lines.append(f"  sends again {median:.1f} s after a kill, {longest:.1f} s at most")
    if figures.takeover_max_seconds is not None:
        median, longest = figures.takeover_median_seconds, figures.takeover_max_seconds
        lines.append(f"  takeover    {median:.1f} s, {longest:.1f} s at most")
    return "\n".join([*lines, *(f"  FAULT       {fault}" for fault in figures.faults)])
