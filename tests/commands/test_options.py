"""Where a configuration is looked for, and which socket follows from it."""

from pathlib import Path

import pytest

from gateway.commands.errors import CommandError
from gateway.commands.options import admin_socket_of, find_config, read_configuration


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ESTAFETTE_CONFIG", raising=False)
    monkeypatch.setattr("gateway.commands.options.SYSTEM_CONFIG", tmp_path / "etc.yaml")


def test_the_named_one_comes_before_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("named.yaml", "environment.yaml", "config.yaml", "etc.yaml"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setenv("ESTAFETTE_CONFIG", "environment.yaml")
    assert find_config("named.yaml") == tmp_path / "named.yaml"
    assert find_config(None) == tmp_path / "environment.yaml"
    monkeypatch.delenv("ESTAFETTE_CONFIG")
    assert find_config(None) == tmp_path / "config.yaml"
    (tmp_path / "config.yaml").unlink()
    assert find_config(None) == tmp_path / "etc.yaml"
    (tmp_path / "etc.yaml").unlink()
    assert find_config(None) is None


def test_a_named_one_that_is_missing_is_never_replaced_by_another(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{}")
    with pytest.raises(CommandError, match=r"confg\.yaml"):
        find_config("confg.yaml")


def test_the_socket_is_the_configured_one_or_in_the_state_folder(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("node: {state_directory: /srv/state}")
    assert admin_socket_of(read_configuration(None)) == Path("/srv/state/admin.sock")
    (tmp_path / "config.yaml").write_text("admin: {socket: /run/estafette/admin.sock}")
    assert admin_socket_of(read_configuration(None)) == Path("/run/estafette/admin.sock")
