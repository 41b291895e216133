"""Imports behind the endpoints under test, as the server wires them."""

import atexit
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from gateway.audience.importing.files import ImportFiles
from gateway.audience.importing.service import Imports
from gateway.config import ImportsConfig
from gateway.web.import_handlers import ImportHandlers, import_routes
from gateway.web.shop_routes import ShopRoute
from tests.web.harness import Gateway

UPLOAD_URL = "https://l.example.com/upload"


def make_import_routes(gateway: Gateway, folder: Path | None = None) -> list[ShopRoute]:
    """Without an engine: what is started waits."""
    imports = Imports(
        gateway.database,
        ImportFiles(folder or _make_folder()),
        ImportsConfig(),
        ids=gateway.node.ids,
        clock=_now,
        random_octets=os.urandom,
        wake_engine=lambda: None,
    )
    handlers = ImportHandlers(gateway.database, imports, upload_url=lambda: UPLOAD_URL, clock=_now)
    return import_routes(handlers)


def _make_folder() -> Path:
    """Gone with the process."""
    folder = tempfile.mkdtemp(prefix="estafette-imports-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _now() -> datetime:
    return datetime.now(UTC)
