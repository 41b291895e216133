"""The unsubscribe page as people meet it: on a phone, by touch, without scripts, in their language.

Set `ESTAFETTE_SCREENSHOTS` to a folder to keep pictures of every step.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from tests.links.public import TOKENS, Public, run_public
from tests.store.rig import open_rig

pytestmark = [pytest.mark.browser, pytest.mark.integration]

NUMBER = "33612345678"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--metrics-recording-only",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SMALL_PHONE = {"width": 320, "height": 568}
PHONE = {"width": 390, "height": 844}
SMALLEST_TARGET = 44
"""CSS pixels, for a thumb."""

STEPS = {
    "en": ("Stop the offers", "You are unsubscribed", "Receive offers again", "Taken back"),
    "fr": (
        "Ne plus recevoir d’offres",
        "Désinscription confirmée",
        "Recevoir de nouveau les offres",
        "annulé",
    ),
    "it": ("Non ricevere più offerte", "Iscrizione annullata", "Ricevi di nuovo le offerte", "Annullato"),
    "ro": ("Nu mai doresc oferte", "V-ați dezabonat", "Doresc din nou oferte", "anulat"),
}


@pytest.fixture
async def public(database: str) -> AsyncIterator[Public]:
    async with open_rig(database) as rig, run_public(rig) as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


async def open_context(browser: Browser, language: str, **options: object) -> BrowserContext:
    """A phone that speaks `language` and runs no scripts."""
    settings: dict[str, object] = {
        "viewport": PHONE,
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
        "locale": language,
        "java_script_enabled": False,
        **options,
    }
    return await browser.new_context(**settings)  # type: ignore[arg-type]


async def look(page: Page, name: str) -> None:
    """Everything fits the width, and what is to be tapped is large enough."""
    main, viewport = await page.locator("main").bounding_box(), page.viewport_size
    assert main is not None
    assert viewport is not None
    assert main["x"] >= 0
    assert main["x"] + main["width"] <= viewport["width"]
    for target in await page.locator("button, nav a").all():
        box = await measure(target)
        assert box["height"] >= SMALLEST_TARGET, await target.inner_text()
        assert box["x"] + box["width"] <= viewport["width"], await target.inner_text()
    if folder := os.environ.get("ESTAFETTE_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def measure(target: Locator) -> dict[str, float]:
    box = await target.bounding_box()
    assert box is not None
    return dict(box)  # type: ignore[arg-type]


async def test_a_thumb_opts_out_and_takes_it_back_in_every_language(public: Public, browser: Browser) -> None:
    contact_id = await public.rig.put_contact(NUMBER, shop_id=public.shop_id)
    link = await public.add_optout_link(NUMBER, contact_id)
    address = f"{public.url}/{TOKENS.encode(link.seq)}"
    complaints: list[str] = []
    for language, (stop, done, undo, undone) in STEPS.items():
        context = await open_context(browser, language)
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        await page.goto(address)
        assert await page.locator("html").get_attribute("lang") == language
        await look(page, f"{language}-1-question")
        await page.get_by_role("button", name=stop).tap()
        await expect(page.get_by_role("heading", level=1)).to_have_text(done)
        await look(page, f"{language}-2-done")
        await page.reload()  # repeats no form
        await page.get_by_role("button", name=undo).tap()
        await expect(page.locator(".notice")).to_contain_text(undone)
        await look(page, f"{language}-3-taken-back")
        assert await context.cookies() == []
        await context.close()
    assert complaints == []
    assert await public.rig.value("SELECT count(*) FROM consent") == 8


async def test_the_page_fits_a_small_phone_at_night_and_the_switch_keeps_the_place(
    public: Public, browser: Browser
) -> None:
    contact_id = await public.rig.put_contact(NUMBER, shop_id=public.shop_id)
    link = await public.add_optout_link(NUMBER, contact_id)
    context = await open_context(browser, "de", viewport=SMALL_PHONE, color_scheme="dark")
    page = await context.new_page()
    await page.goto(f"{public.url}/{TOKENS.encode(link.seq)}")
    assert await page.locator("html").get_attribute("lang") == "en"  # German we have not
    await page.get_by_role("link", name="Română").tap()
    await expect(page.locator("html")).to_have_attribute("lang", "ro")
    await look(page, "night-question")
    await page.get_by_role("button", name=STEPS["ro"][0]).tap()
    await expect(page.get_by_role("heading", level=1)).to_have_text(STEPS["ro"][1])
    assert await page.locator("html").get_attribute("lang") == "ro"
    await look(page, "night-done")
    await page.goto(f"{public.url}/{'z' * 11}")
    await look(page, "night-not-found")
    await context.close()
