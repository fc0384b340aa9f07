"""A real browser for the page, and what it can be made to look like."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
)


def started(profile: Path, driver: str) -> Iterator[webdriver.Chrome]:
    """Starts headless Chromium and, in the end, stops it."""
    options = Options()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options, Service(driver))
    yield browser
    browser.quit()


def look(
    browser: webdriver.Chrome,
    *,
    width: int,
    scheme: str = "light",
    media: str = "",
    script: bool = True,
) -> None:
    """Makes the browser a screen of this width in CSS pixels, or paper."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    command(browser, "Emulation.setDeviceMetricsOverride", **size)
    command(browser, "Emulation.setEmulatedMedia", media=media, features=features)
    command(browser, "Emulation.setScriptExecutionDisabled", value=not script)


def command(browser: webdriver.Chrome, name: str, **arguments: Any) -> Any:
    """Gives the browser a command of its developer tools."""
    return browser.execute_cdp_cmd(name, arguments)


def requests(browser: webdriver.Chrome, page: str) -> list[str]:
    """The addresses that a page asked for; the browser's own pages ask for others."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"] == page
    ]
