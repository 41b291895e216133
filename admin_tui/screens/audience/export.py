"""Writing the contacts of a list to a CSV file of this machine, page by page, never over a file that exists.

Spreadsheets run what begins like a formula, so such values get an apostrophe in front, as everywhere.
"""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from admin_tui.cells import clean
from admin_tui.client import Failure, Json, Query
from admin_tui.desk import Desk
from admin_tui.keys import bind

HEADINGS: Final = ("number", "first_name", "last_name", "country", "language", "tags", "marketing_consent")
_PAGE_ROWS: Final = 200
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class ExportDialog(ModalScreen[None]):
    """Asks for a path, writes the contacts of `contact_list` there; Esc stops and removes the file."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("back", "leave", is_shown=False)]

    def __init__(self, desk: Desk, contact_list: Json, *, folder: Path) -> None:
        super().__init__(classes="dialog")
        self._desk = desk
        self._list = contact_list
        self._folder = folder

    def compose(self) -> ComposeResult:
        say = self._desk.say
        with Vertical(classes="box"):
            yield Label(
                say("audience.export.title", name=clean(self._list["name"])), classes="title", markup=False
            )
            yield Label(say("audience.export.path"), markup=False)
            yield Input(str(self._folder / file_name(self._list["name"])), id="path", compact=True)
            yield Static("", id="told", markup=False)
            yield Static(say("frame.enter_or_escape"), classes="hint", markup=False)

    def action_leave(self) -> None:
        self.workers.cancel_node(self)
        self.dismiss(None)

    @on(Input.Submitted, "#path")
    def _entered(self, event: Input.Submitted) -> None:
        self.run_worker(self._write(Path(event.value.strip()).expanduser()), group="export", exclusive=True)

    async def _write(self, path: Path) -> None:
        say = self._desk.say
        outcome = await write_contacts(
            path, read_contacts(self._desk, self._list["id"]), on_progress=self._tell_progress
        )
        if isinstance(outcome, Failure):
            self._tell(self._desk.describe(outcome))
        elif isinstance(outcome, FileExistsError):
            self._tell(say("audience.export.exists", path=path))
        elif isinstance(outcome, OSError):
            self._tell(say("audience.export.failed", path=path, reason=outcome.strerror or outcome))
        else:
            self.app.notify(say("audience.did.exported", count=outcome, path=path), markup=False)
            self.dismiss(None)

    def _tell_progress(self, count: int) -> None:
        self._tell(self._desk.say("audience.export.running", count=count))

    def _tell(self, sentence: str) -> None:
        self.query_one("#told", Static).update(sentence)


async def read_contacts(desk: Desk, list_id: str) -> AsyncIterator[list[Json] | Failure]:
    """Pages of the contacts of a list; a failure ends them."""
    cursor: str | None = None
    while True:
        query: Query = {"list": list_id, "limit": _PAGE_ROWS, "cursor": cursor}
        answer = await desk.client.get(desk.shop_path("/contacts"), query)
        if isinstance(answer, Failure):
            yield answer
            return
        yield answer["contacts"]
        cursor = answer.get("next_cursor")
        if cursor is None:
            return


async def write_contacts(
    path: Path, pages: AsyncIterator[list[Json] | Failure], *, on_progress: Callable[[int], None]
) -> int | Failure | OSError:
    """How many contacts stand in the file now; on a failure or a stop the half file is removed."""
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except OSError as exc:
        return exc
    count = 0
    is_whole = False
    try:
        with file:
            file.write(to_csv([HEADINGS]))
            async for page in pages:
                if isinstance(page, Failure):
                    return page
                await asyncio.to_thread(file.write, to_csv([contact_values(contact) for contact in page]))
                count += len(page)
                on_progress(count)
        is_whole = True
        return count
    except OSError as exc:
        return exc
    finally:
        if not is_whole:
            await asyncio.to_thread(path.unlink, missing_ok=True)


def contact_values(contact: Json) -> tuple[str, ...]:
    """One line of the file, in the order of `HEADINGS`."""
    values = {**contact, "tags": ", ".join(contact.get("tags") or ())}
    return tuple(harmless(str(values.get(heading) or "")) for heading in HEADINGS)


def harmless(value: str) -> str:
    """A value that no spreadsheet takes for a formula; numbers of people keep their plus."""
    if value.startswith("+") and value[1:].isdigit():
        return value
    return "'" + value if value.startswith(_FORMULA_STARTS) else value


def to_csv(rows: "list[tuple[str, ...]]") -> str:
    """Rows as lines of a CSV file."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def file_name(list_name: str) -> str:
    """A file name made of the name of a list."""
    kept = "".join(one if one.isalnum() else "-" for one in clean(list_name).lower())
    return f"{'-'.join(part for part in kept.split('-') if part) or 'contacts'}.csv"
