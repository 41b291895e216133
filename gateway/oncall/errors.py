"""Errors of the on-call room."""

from gateway.errors import EstafetteError


class OncallError(EstafetteError):
    """Something that whoever is on call asked for cannot be done."""


class UnknownConnector(OncallError):
    """No connector of this name is configured."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no connector named {name} is configured; see estafette connector list")
        self.name = name


class NotRunning(OncallError):
    """The connector has no binds here: it is disabled or taken down."""

    def __init__(self, name: str) -> None:
        super().__init__(f"connector {name} has no binds now; `estafette connector up {name}` brings it back")
        self.name = name
