"""The pictures of the documents: each is shown somewhere, is there, and shows the console as named now."""

import re
from pathlib import Path

import pytest

from admin_tui.screens.registry import SCREENS
from admin_tui.words import Words

ROOT = Path(__file__).resolve().parents[2]
IMAGES = sorted((ROOT / "docs" / "images").iterdir())
MOST_OCTETS = 100_000


def shown_images() -> set[Path]:
    """Every picture that a page shows."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return {
        (page.parent / target).resolve()
        for page in pages
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }


def test_pages_show_the_images_that_there_are_and_all_of_them() -> None:
    assert shown_images() == set(IMAGES)


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: str(path.name))
def test_an_image_is_a_small_drawing_of_the_console_as_its_screens_are_named_now(image: Path) -> None:
    drawn = image.read_text(encoding="utf-8").replace("&#160;", " ")
    assert len(drawn.encode()) < MOST_OCTETS
    words = Words("en")
    for screen in SCREENS:
        assert f"{screen.number} {words.say(f'frame.screens.{screen.name}')}" in drawn
