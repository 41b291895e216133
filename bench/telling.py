"""One measurement in a few plain lines."""

from bench.figures import Figures


def tell(figures: Figures) -> str:
    """What a person at a terminal wants to know of it; the rest is in `--json`."""
    cost = figures.cost
    each = "a message" if figures.messages else "in all"
    what = f"{figures.messages:,} in {figures.seconds:.1f} s, {figures.rate_per_second:,.0f} a second"
    lines = [
        f"{figures.name}: {what if figures.messages else f'{figures.seconds:.0f} s'}",
        f"  latency     p50 {figures.p50_ms:.1f} ms, p99 {figures.p99_ms:.1f} ms",
        f"              {figures.parameters['latency']}",
        f"  CPU         gateway {cost.gateway_cpu_us:,.0f} µs {each}, "
        f"Postgres {cost.postgres_cpu_us:,.0f} µs, SMSC {cost.smsc_cpu_us:,.0f} µs",
        f"  disk        {cost.disk_bytes:,.0f} octets, log {cost.wal_bytes:,.0f} octets {each}",
        f"  memory      {cost.pss_peak_mb:.0f} MB peak of the gateway, "
        f"Postgres {cost.postgres_pss_mb:.0f} MB, SMSC {cost.smsc_pss_mb:.0f} MB",
        *(f"  {name.ljust(11)} {value:,.2f}".removesuffix(".00") for name, value in figures.own.items()),
        f"  ledger      {'balanced' if figures.ledger_balanced else 'DOES NOT BALANCE'}",
        *(f"  WRONG       {words}" for words in figures.wrong),
        f"  carrier     {figures.parameters['smsc']}",
    ]
    return "\n".join(lines)
