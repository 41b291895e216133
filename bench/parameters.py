"""What a figure depends on, as it is told beside each: the machine, Postgres, the carrier, the traffic."""

import os
import platform

from bench.recipients import COUNTRIES, count_slots
from bench.server import Carrier, Server
from bench.smsc import Smsc


def describe(
    server: Server, smsc: Smsc, carrier: Carrier, *, recipients: int, seed: int | None = None
) -> dict[str, object]:
    """`recipients` are those of the run; `seed` that of its chance, None where nothing is left to chance."""
    return {
        "smsc": smsc.kind,
        "workers": server.workers,
        "connectors": carrier.connectors,
        "binds": carrier.binds,
        "window": carrier.window,
        "parts_per_second": carrier.parts_per_second,
        "slots": count_slots(recipients),
        "countries": len(COUNTRIES),
        "shops": 1,
        "seed": seed,
        "cpus": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "postgres": server.postgres.settings(),
    }
