"""The person's own settings: remapped keys, faults told as sentences, never a console that does not start."""

from pathlib import Path

from admin_tui.settings import parse_settings, read_settings, settings_path


def test_keys_language_and_shop_are_read() -> None:
    settings = parse_settings('language = "fr"\nshop = "boutique"\n[keys]\nfreeze = "ctrl+z"\n', "c.toml")
    assert (settings.language, settings.shop, settings.keys) == ("fr", "boutique", {"freeze": "ctrl+z"})
    assert settings.faults == ()


def test_an_unknown_setting_is_told_with_the_nearest_known_one() -> None:
    settings = parse_settings('langage = "fr"\n[keys]\nfreze = "z"\nhold = 7\n', "c.toml")
    assert settings.faults[0] == "c.toml: there is no setting langage; did you mean language?"
    assert settings.faults[1] == "c.toml: there is no setting keys.freze; did you mean keys.freeze?"
    assert settings.faults[2].startswith("c.toml: keys.hold is a key")
    assert settings.keys == {}


def test_a_key_given_two_meanings_is_told() -> None:
    assert parse_settings('[keys]\nfreeze = "n"\n', "c.toml").faults == (
        "c.toml: n stands for both new and freeze.",
    )


def test_a_broken_file_or_none_gives_no_settings(tmp_path: Path) -> None:
    assert parse_settings("[keys", "c.toml").faults
    assert read_settings(tmp_path / "none.toml").faults == ()
    broken = tmp_path / "console.toml"
    broken.write_bytes(b"\xff\xfe\x00")
    assert read_settings(broken).faults


def test_the_settings_lie_in_the_folder_for_settings() -> None:
    assert settings_path({"XDG_CONFIG_HOME": "/x"}) == Path("/x/estafette/console.toml")
    assert settings_path({"HOME": "/home/ana"}) == Path("/home/ana/.config/estafette/console.toml")
