"""What a simulator has seen and done, in numbers that only grow but for the last group."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class SimulatorStats:
    """Counted since the start."""

    binds: int = 0
    refused_binds: int = 0
    submits: int = 0
    """submit_sm and data_sm that arrived."""
    taken: int = 0
    """Submits that became messages, answered or not."""
    refused: dict[int, int] = field(default_factory=dict)
    """Submits by the `command_status` that refused them."""
    unanswered: int = 0
    """Submits that got no response by will of the profile."""
    bad_pdus: int = 0
    receipts_sent: int = 0
    """Including repeats."""
    receipts_acknowledged: int = 0
    mo_parts_sent: int = 0
    """Including repeats."""
    mo_parts_acknowledged: int = 0
    refusals: int = 0
    """Receipts and MO parts that a client refused; each is sent again."""
    timeouts: int = 0
    """Receipts and MO parts that a client did not answer in time; each is sent again."""
    abandoned: int = 0
    """Receipts and MO parts given up after all attempts."""
    drops: int = 0
    """Connections cut, by command or by the profile."""
    stalls: int = 0
    silences: int = 0
    """Connections that fell silent without being closed."""

    sessions: int = 0
    """Bound now."""
    pending: int = 0
    """Receipts and MO parts that no client has acknowledged yet."""
