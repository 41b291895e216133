"""The importing of one node: its engine, the endpoints and the upload page, made and told of settings.

Decides nothing: who hears what is all there is here.
"""

import secrets
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from gateway.audience.importing.engine import ImportEngine
from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.service import Imports
from gateway.audience.importing.steps import EngineDeps
from gateway.config import Config
from gateway.node.link_rooms import LinkRooms
from gateway.store.database import Database
from gateway.store.due_work import HasWork
from gateway.store.leases import Node
from gateway.web.import_handlers import ImportHandlers, import_routes
from gateway.web.pages.upload import UploadPageHandlers
from gateway.web.shop_routes import ShopRoute

_FOLDER: Final = "imports"


class ImportRooms:
    """What brings lists in. Files lie below `state_folder`."""

    def __init__(
        self,
        database: Database,
        node: Node,
        config: Config,
        *,
        state_folder: Path,
        find_absent_node: Callable[[int], str | None],
        secret: bytes,
        clock: Callable[[], datetime],
        has_imports: HasWork,
    ) -> None:
        self._config = config
        files = ImportFiles(state_folder / _FOLDER)
        self.engine = ImportEngine(
            EngineDeps(database, node.fence, node.ids, files, secret, clock),
            config.imports,
            has_imports=has_imports,
        )
        self.imports = Imports(
            database,
            files,
            config.imports,
            ids=node.ids,
            clock=clock,
            random_octets=secrets.token_bytes,
            wake_engine=self.engine.wake,
            find_absent_node=find_absent_node,
        )
        self._handlers = ImportHandlers(database, self.imports, upload_url=self._upload_url, clock=clock)

    def list_routes(self) -> list[ShopRoute]:
        return import_routes(self._handlers)

    def list_pages(self, links: LinkRooms) -> list[web.RouteDef]:
        """The upload page, beside the pages of links: one frame, one count of guesses."""
        return UploadPageHandlers(links.pages, links.visitors, links.limiter, self.imports).routes()

    def list_work(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """What goes on by itself, by name."""
        return [("imports", self.engine.run())]

    def apply(self, config: Config) -> None:
        """Take over a configuration that was read again."""
        self._config = config
        self.engine.config = config.imports
        self.imports.config = config.imports

    def _upload_url(self) -> str:
        return f"{self._config.public.address}/upload"
