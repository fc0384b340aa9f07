"""A browser, and the page that it shows."""

from collections.abc import Iterator

import pytest
from browser import CHROMIUM, DRIVER, started
from selenium import webdriver
from small_report import SmallReport


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    if not CHROMIUM or not DRIVER:
        pytest.skip("there is no chromium with its chromedriver here")
    yield from started(tmp_path_factory.mktemp("profile"), DRIVER)


@pytest.fixture
def address(small_report: SmallReport) -> str:
    return (small_report.folder / "index.html").as_uri()
