"""Debian's Chromium, driven by playwright; nothing is downloaded.

Pictures of pages go to `artifacts/`, for people to look at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.servers import find_program

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
PATIENCE_MILLISECONDS = 30_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window that draws in software."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_program("chromium"), args=["--enable-unsafe-swiftshader"]
        )
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Fill in the form as a person does."""
    page.goto(f"{url}/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def take_picture(page: Page, name: str) -> None:
    """Keep what the page looks like now."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png")
