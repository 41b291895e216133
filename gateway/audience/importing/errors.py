"""What can be wrong with an import, in sentences for the person who chose the file."""

from gateway.errors import EstafetteError


class ImportingError(EstafetteError):
    """Root of this room's errors."""


class BrokenFile(ImportingError):
    """A file that cannot be read to its end, so that nothing of it is imported.

    `row` counts records from 1 as a spreadsheet does, the header included; None where no row is at fault.
    """

    def __init__(self, fault: str, *, row: int | None = None) -> None:
        super().__init__(fault if row is None else f"Row {row}: {fault}")
        self.row = row


class ImportRefused(ImportingError):
    """Something was asked that this import cannot do. `code` is a stable code of the API, `path` the place in
    the request."""

    def __init__(self, code: str, detail: str, action: str, *, path: str = "") -> None:
        super().__init__(f"{detail} {action}")
        self.code = code
        self.detail = detail
        self.action = action
        self.path = path
