"""What can go wrong in the store, by what the caller should do about it."""

from gateway.errors import EstafetteError


class StoreError(EstafetteError):
    """Root of this room's errors."""


class BadQueryFile(StoreError):
    """A file of named statements breaks the format: a fault of the program, found at start."""

    def __init__(self, source: str, fault: str) -> None:
        super().__init__(f"sql/queries/{source}: {fault}")
        self.source = source
        self.fault = fault


class StoreUnavailable(StoreError):
    """Postgres does not answer just now; try again after `retry_after_seconds`."""

    def __init__(self, what: str, *, retry_after_seconds: int = 2) -> None:
        super().__init__(f"the database is not reachable ({what}); try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(StoreUnavailable):
    """Postgres did not say in time whether it committed: what was asked for is done, or it is not."""

    def __init__(self, what: str, *, retry_after_seconds: int = 5) -> None:
        EstafetteError.__init__(
            self,
            f"whether the database has stored it is not known ({what}); ask again in {retry_after_seconds} s",
        )
        self.retry_after_seconds = retry_after_seconds


class LeaseLost(StoreError):
    """This node's lease is no longer its own: another node took over. The process must stop."""

    def __init__(self, node_no: int, epoch: int) -> None:
        super().__init__(
            f"node {node_no} (epoch {epoch}) lost its lease: another node took over, or the database was "
            f"away longer than the lease lasts. This process ends; the next start takes a new lease."
        )
        self.node_no = node_no
        self.epoch = epoch


class RowRefused(StoreError):
    """Postgres refused one row of a batch for its data; the rest of the batch was stored."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"the row was refused by the database: {fault}")
        self.fault = fault


class ReceiptsMoved(StoreError):
    """Another node gave receipts a message since they were read; the batch is read anew."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"of {expected} receipts that waited {found} were as read; the batch is repeated")
        self.expected = expected
        self.found = found


class PartsMoved(StoreError):
    """Another node stored or closed parts of the same texts since they were read; the batch is read anew."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"of {expected} parts of received texts {found} were as read; the batch is repeated")
        self.expected = expected
        self.found = found


class StateKeepsMoving(StoreError):
    """State rows moved under their batch again and again: a fault of the program, for one node at a time
    judges a message."""

    def __init__(self, rows: int, message_id: int) -> None:
        super().__init__(
            f"{rows} state rows kept moving under their batch, first that of message {message_id}; "
            "this process stops, and a restart reads them anew"
        )
        self.rows = rows
        self.message_id = message_id


class MessagesNotMade(StoreError):
    """No messages could be made of recipients, for what the shop's own data or text brought about; nothing of
    their chunk was stored."""

    def __init__(self, campaign_id: int, fault: str) -> None:
        super().__init__(f"no messages could be made for campaign {campaign_id}: {fault}")
        self.campaign_id = campaign_id


class RecipientsMoved(StoreError):
    """Recipients of a campaign are not where their writer believes: another node had their slots meanwhile,
    or rows were changed by hand. Nothing of the batch is stored; read where they are, and try again."""

    def __init__(self, campaign_id: int, expected: str, found: str) -> None:
        super().__init__(
            f"recipients of campaign {campaign_id} moved under their batch ({found} in place of {expected})"
        )
        self.campaign_id = campaign_id
