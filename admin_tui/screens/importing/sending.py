"""The file on its way to the server: from a path, from pasted rows, or through the one-time upload page.

Owns asking, progress and waiting; tells the person in the panel of the first step.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from admin_tui.cells import clean
from admin_tui.client import Failure, Json
from admin_tui.desk import Desk
from admin_tui.figures import day_time, percent
from admin_tui.screens.importing.source_panel import SourcePanel

UPLOAD_POLL_SECONDS: Final = 2.0


class FileSender:
    """Brings the import of a file, or None where none came. `path` gives addresses of the shop; an upload is
    waited for while `is_waiting`; `on_address` is told when the page's address comes and goes."""

    def __init__(
        self,
        desk: Desk,
        panel: SourcePanel,
        path: Callable[[str], str],
        *,
        is_waiting: Callable[[], bool],
        on_address: Callable[[], None],
    ) -> None:
        self.has_address = False
        """Whether an upload page is open, whose address can be copied."""
        self._desk = desk
        self._panel = panel
        self._path = path
        self._is_waiting = is_waiting
        self._on_address = on_address

    async def send(self) -> Json | None:
        """Send the file at the path that was typed, or the rows that were pasted."""
        panel, say = self._panel, self._desk.say
        source: Path | bytes
        if panel.way == "page":
            return None
        if panel.way == "paste":
            source, name = panel.pasted.encode("utf-8", "replace"), "pasted.csv"
            if not panel.pasted.strip():
                panel.tell(say("importing.source.nothing_pasted"), is_wrong=True)
                return None
        else:
            source = await asyncio.to_thread(Path(panel.path).expanduser)
            name = source.name
            if not panel.path or not await asyncio.to_thread(source.is_file):
                key = "importing.source.no_file" if panel.path else "importing.source.no_path"
                panel.tell(say(key, path=panel.path), is_wrong=True)
                return None
        return await self._upload(source, name)

    async def _upload(self, source: Path | bytes, name: str) -> Json | None:
        panel, say = self._panel, self._desk.say
        size = len(source) if isinstance(source, bytes) else (await asyncio.to_thread(source.stat)).st_size

        def tell_progress(sent: int) -> None:
            share = percent(self._desk.words, sent, size)
            told = say("importing.source.sending", name=clean(name), percent=share)
            panel.tell(told if sent < size else say("importing.source.reading"))

        answer = await self._desk.client.upload(
            self._path("/imports"), source, query={"file_name": name}, on_progress=tell_progress
        )
        if isinstance(answer, Failure):
            panel.tell(self._desk.describe(answer), is_wrong=True)
            return None
        panel.tell("")
        return answer

    async def wait_for_upload(self) -> Json | None:
        """Open an upload page and wait until a file has come by it or its time is over."""
        panel, client = self._panel, self._desk.client
        before = await client.get(self._path("/imports"), {"limit": 1})
        ticket = await client.post(self._path("/upload-tickets"))
        if isinstance(before, Failure) or isinstance(ticket, Failure):
            failure = before if isinstance(before, Failure) else ticket
            assert isinstance(failure, Failure)
            panel.tell(self._desk.describe(failure), is_wrong=True)
            return None
        known = {job["id"] for job in before["imports"]}
        when = day_time(self._desk.local(ticket["expires_at"]), self._desk.now())
        panel.show_page(ticket["url"], self._desk.say("importing.source.page_explain", when=when))
        self._tell_address(has_address=True)
        try:
            return await self._wait_for_other(known, ticket["expires_at"])
        finally:
            self._tell_address(has_address=False)

    async def _wait_for_other(self, known: set[str], expires_at: str) -> Json | None:
        """The first import that is not `known`."""
        panel = self._panel
        while self._is_waiting() and panel.way == "page":
            await asyncio.sleep(UPLOAD_POLL_SECONDS)
            if self._desk.seconds_since(expires_at) > 0:
                panel.tell(self._desk.say("importing.source.page_over"), is_wrong=True)
                return None
            answer = await self._desk.client.get(self._path("/imports"), {"limit": 1})
            if not isinstance(answer, Failure):
                arrived: list[Json] = [job for job in answer["imports"] if job["id"] not in known]
                if arrived:
                    return arrived[0]
        return None

    def _tell_address(self, *, has_address: bool) -> None:
        self.has_address = has_address
        self._on_address()
