"""The page in a real browser: nothing is cut off, links lead on, no network or script is needed."""

import re

import pytest
from browser import look, requests
from selenium import webdriver
from selenium.webdriver.common.keys import Keys

WIDTHS = [(320, ""), (390, ""), (820, ""), (1280, ""), (680, "print")]
UNSEEN_TEXT = """
  const seen = [...document.querySelectorAll('.plot svg')].filter(s => s.getClientRects().length);
  return seen.flatMap(svg => {
    const box = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('text')].filter(text => {
      const own = text.getBoundingClientRect();
      return own.width && (own.left < box.left - 1 || own.right > box.right + 1
        || own.top < box.top - 1 || own.bottom > box.bottom + 1);
    }).map(text => svg.closest('figure').dataset.name + ': ' + text.textContent);
  });
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_draws_it_without_a_network(browser: webdriver.Chrome, address: str, scheme: str):
    look(browser, width=1280, scheme=scheme)
    browser.get(address)
    assert browser.get_log("browser") == []
    asked = requests(browser, address)
    assert address in asked
    assert [url for url in asked if url != address and not url.startswith("data:")] == []
    for place in ("body", ".plot"):
        color = f"return getComputedStyle(document.querySelector('{place}')).backgroundColor"
        ground = re.findall(r"\d+", browser.execute_script(color))
        assert (sum(map(int, ground)) < 300) == (scheme == "dark"), place
    color = "return getComputedStyle(document.querySelector('.plot text')).fill"
    letters = re.findall(r"\d+", browser.execute_script(color))
    assert (sum(map(int, letters)) > 450) == (scheme == "dark")


@pytest.mark.parametrize(("width", "media"), WIDTHS)
def test_nothing_is_cut_off(browser: webdriver.Chrome, address: str, width: int, media: str):
    look(browser, width=width, media=media)
    browser.get(address)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(UNSEEN_TEXT) == []
    hidden = "return [...document.querySelectorAll('td.measured')].filter(e => !e.offsetHeight)"
    assert browser.execute_script(hidden) == []
    wide = "return [...document.querySelectorAll('.formula')].filter(e => e.scrollWidth > {})"
    assert width == 320 or browser.execute_script(wide.format("e.offsetWidth")) == []


def test_a_phone_has_a_drawing_of_its_own(browser: webdriver.Chrome, address: str):
    heights = (
        "return [...document.querySelectorAll('{}')].map(e => e.getBoundingClientRect().height)"
    )
    for width, shown, other in ((390, ".narrow", ".wide"), (1280, ".wide", ".narrow")):
        look(browser, width=width)
        browser.get(address)
        assert all(browser.execute_script(heights.format(shown)))
        assert not any(browser.execute_script(heights.format(other)))
    look(browser, width=390)
    letters = "return document.querySelector('.narrow text').getBoundingClientRect().height"
    assert browser.execute_script(letters) >= 9


def test_a_link_to_a_claim_shows_it(browser: webdriver.Chrome, address: str):
    look(browser, width=390)
    browser.get(address)
    browser.find_element("css selector", ".claims a").click()
    shown = (
        "const place = document.querySelector(':target').getBoundingClientRect();"
        "return place.height && place.top < innerHeight && place.bottom > 0"
    )
    assert browser.execute_script(shown)
    permalink = browser.find_element("css selector", ":target .permalink")
    assert browser.current_url.endswith(f"#{permalink.text[1:]}")


def test_links_lead_from_a_check_to_its_number_its_settings_and_the_file(
    browser: webdriver.Chrome, address: str
):
    look(browser, width=1280)
    browser.get(address)
    visible = "return document.querySelector(':target').getBoundingClientRect().height > 0"
    for place in (
        "#gradient-1a .checks a",
        "#gradient-1a-numbers th a",
        ".numbers details[open] p a[href$='/settings']",
    ):
        browser.find_element("css selector", place).click()
        assert browser.execute_script(visible), place
    browser.find_element("css selector", "#gradient-1a-numbers a[href$='-files']").click()
    held = browser.find_element("css selector", ":target a[download$='metrics.json']")
    assert (held.get_attribute("href") or "").startswith("data:application/json;base64,")


def test_the_first_tab_offers_to_skip_to_the_content(browser: webdriver.Chrome, address: str):
    look(browser, width=1280)
    browser.get(address)
    browser.find_element("css selector", "body").send_keys(Keys.TAB)
    seen = "const box = document.activeElement.getBoundingClientRect(); return box.top >= 0"
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    assert browser.execute_script(seen)


def test_back_to_top_leads_there(browser: webdriver.Chrome, address: str):
    look(browser, width=390)
    browser.get(f"{address}#cite")
    assert browser.execute_script("return scrollY") > 0
    browser.find_element("css selector", ".back").click()
    assert browser.execute_script("return scrollY") == 0


def test_without_a_script_all_but_the_answers_are_there(browser: webdriver.Chrome, address: str):
    look(browser, width=1280, script=False)
    try:
        browser.get(address)
        body = browser.find_element("css selector", "main").text
        assert not browser.find_elements("css selector", "input, button")
        drawings = browser.find_elements("css selector", ".plot .wide svg")
        assert drawings
        assert all(drawing.is_displayed() for drawing in drawings)
    finally:
        look(browser, width=1280)
    browser.get(address)
    with_script = browser.find_element("css selector", "main").text
    assert with_script.replace("Data as CSV", "").split() == body.split()


def test_paper_has_no_switches(browser: webdriver.Chrome, address: str):
    look(browser, width=680, media="print")
    browser.get(address)
    for place in ("nav", ".back", ".data", ".key input", "details"):
        assert not any(e.is_displayed() for e in browser.find_elements("css selector", place)), (
            place
        )
    assert all(e.is_displayed() for e in browser.find_elements("css selector", ".wide, .key li"))
