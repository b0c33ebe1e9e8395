# SPDX-License-Identifier: GPL-2.0-only
"""The page: what is in it, and what a reader does with it in a browser."""

import json
import re
import shutil
import time

import pytest

from kmaplocal import cli

CODE = """#include <linux/highmem.h>

int fine(struct page *page, char *buf)
{
	char *kaddr;

	kaddr = kmap_atomic(page);
	buf[0] = kaddr[0]; /* </script><b>not markup</b> */
	buf[1] = kaddr[1];
	kunmap_atomic(kaddr);
	return 0;
}

char *kept(struct page *page)
{
	return kmap(page);
}

int leaks(struct page *page)
{
	char *p = kmap_local_page(page);

	if (!p[0])
		return -EIO;
	kunmap_local(p);
	return 0;
}
"""


def kernel(write, root, version, text):
    write(root / "Makefile", f"VERSION = {version}\nPATCHLEVEL = 1\nSUBLEVEL = 0\n")
    write(root / "Kconfig", "")
    write(root / "include/linux/highmem.h", "")
    write(root / "MAINTAINERS", "ONE DRIVER\nM:\tA <a@b.c>\nF:\tdrivers/one/\n")
    write(root / "drivers/one/one.c", text)
    return root


@pytest.fixture
def page(tmp_path, write):
    """The page of two kernels: in the newer one fine() is gone."""
    older = kernel(write, tmp_path / "older", 6, CODE)
    renamed = CODE.replace("kunmap_atomic", "kunmap_local")
    renamed = renamed.replace("kmap_atomic", "kmap_local_page")
    newer = kernel(write, tmp_path / "newer", 7, renamed)
    given = ["report", "--format", "html", "--out", tmp_path / "out"]
    given += ["--kernel", newer, "--also", older]
    assert cli.main([str(word) for word in given]) == 0
    return tmp_path / "out/index.html"


def test_nothing_is_loaded_and_nothing_gets_out_of_the_data(page):
    text = page.read_text()
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "default-src 'none'" in text
    assert "not markup" in text and "<b>not markup" not in text
    assert text.count("</script>") == 2


def test_out_is_to_be_a_folder(tmp_path, write, capsys):
    root = kernel(write, tmp_path / "linux", 6, CODE)
    given = ["report", "--format", "html", "--kernel", str(root)]
    assert cli.main(given) == 3
    assert "OUT= names one" in capsys.readouterr().err


def test_another_kernel_needs_the_page(tmp_path, write, capsys):
    root = str(kernel(write, tmp_path / "linux", 6, CODE))
    assert cli.main(["report", "--kernel", root, "--also", root]) == 3
    assert "--format html" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    root = kernel_of_one(tmp_path)
    for out in (tmp_path / "file", tmp_path / "file/out", "/proc/out"):
        given = ["report", "--format", "html", "--kernel", root, "--out", str(out)]
        assert cli.main(given) == 3
        assert str(out) in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == ""


def kernel_of_one(tmp_path):
    """A tree in which any work would be seen: it is none."""
    (tmp_path / "linux").mkdir()
    return str(tmp_path / "linux")


def test_what_upstream_did_and_what_is_next(page):
    data = re.search(r'id="data">(.*?)</script>', page.read_text(), re.S).group(1)
    older, newer = json.loads(data)["trees"]
    assert {m["function"]: m["later"] for m in older["mappings"]} == {
        "fine": "calls renamed",
        "kept": "still has old calls",
    }
    assert "later" not in newer["mappings"][0] and newer["fresh"] == 0
    ready, kept = older["mappings"]
    assert "make apply" in ready["task"] and "what unmaps" in kept["task"]
    assert kept["maintainer"] == "ONE DRIVER" and kept["people"] == "A <a@b.c>"


# -- in a browser -----------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Headless Chromium; what the page writes to the console fails a test."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if not shutil.which("chromedriver"):
        pytest.skip("no chromedriver: scripts/install check")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    profile = tmp_path_factory.mktemp("chromium")
    for word in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run"):
        options.add_argument(f"--{word}")
    for word in ("background-networking", "component-update", "sync", "quic"):
        options.add_argument(f"--disable-{word}")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    browser.set_window_size(1200, 900)
    browser.get(page.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def rows(browser):
    return [row.text for row in find(browser, "#table tbody tr")]


def press(browser, *keys):
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def test_a_bar_filters_and_the_address_shows_it(opened):
    assert len(rows(opened)) == 2
    find(opened, '[data-key="verdict=keep"]')[0].click()
    assert len(rows(opened)) == 1 and "kept" in rows(opened)[0]
    assert "verdict=keep" in opened.current_url
    link = opened.current_url
    opened.get("about:blank")
    opened.get(link)
    assert len(rows(opened)) == 1
    find(opened, "#clear")[0].click()
    assert len(rows(opened)) == 2


def test_sort_both_ways(opened):
    head = find(opened, "#table th button")[1]
    head.click()
    second = "#table tbody td:nth-child(2)"
    assert [cell.text for cell in find(opened, second)] == ["fine", "kept"]
    press(opened, "\ue007")  # Enter, on the button that has the focus still
    assert [cell.text for cell in find(opened, second)] == ["kept", "fine"]
    assert find(opened, 'th[aria-sort="descending"]')[0].text.startswith("Function")


def test_search_by_words(opened):
    press(opened, "/")
    press(opened, "KMAP kept")
    time.sleep(0.5)
    assert len(rows(opened)) == 1 and "words=KMAP+kept" in opened.current_url


def test_open_close_and_back(opened):
    find(opened, "#table tbody a")[0].click()
    dialog = find(opened, "dialog[open]")[0]
    assert "every use of the address reads" in dialog.text
    assert "kmap_local_page" in dialog.text and "not markup" in dialog.text
    assert "null" not in dialog.text
    opened.back()
    assert not find(opened, "dialog[open]")
    opened.forward()
    assert find(opened, "dialog[open]")
    press(opened, "\ue00c")  # Escape
    assert not find(opened, "dialog[open]") and "open=" not in opened.current_url


def test_what_is_left_is_told_in_numbers_that_filter(opened):
    tiles = [tile.text.replace("\n", " ") for tile in find(opened, "#tiles button")]
    said = ["2 mappings are left", "1 ready to convert", "1 to be changed by hand"]
    assert tiles == said
    assert (
        "calls renamed 1 \u00b7 still has old calls 1" in find(opened, "#way")[0].text
    )
    find(opened, '[data-key="verdict=convert"]')[0].click()
    assert len(rows(opened)) == 1 and "fine" in rows(opened)[0]
    find(opened, '[data-key="verdict="]')[0].click()
    assert len(rows(opened)) == 2
    for bar in find(opened, "#charts .bar"):
        assert bar.get_attribute("aria-label")


def test_from_one_to_the_next(opened):
    find(opened, "#table tbody a")[0].click()
    press(opened, "\ue00c")
    find(opened, "#table tbody a")[0].send_keys("\ue007")
    previous, following = find(opened, "dialog nav button")[:2]
    assert not previous.is_enabled()
    following.send_keys("\ue007")
    assert find(opened, "#title")[0].text == "kept"
    assert not find(opened, "dialog nav button")[1].is_enabled()
    assert "Write to: A <a@b.c>" in find(opened, "dialog[open]")[0].text
    opened.back()
    assert not find(opened, "dialog[open]")


def test_the_other_kernel_and_its_findings(opened):
    find(opened, "#trees button")[1].click()
    assert len(rows(opened)) == 1
    opened.switch_to.active_element
    find(opened, '[role="tab"]')[1].click()
    assert any("kmap-leak" in row for row in rows(opened))
    find(opened, "#table tbody a")[0].click()
    assert "The rule kmap-" in find(opened, "dialog[open]")[0].text


def test_every_control_has_a_name_and_the_phone_has_no_scroll(opened):
    opened.set_window_size(420, 800)
    opened.get(opened.current_url)
    names = opened.execute_script(
        "return [...document.querySelectorAll('button, input, a')].map(e =>"
        " e.textContent.trim() || e.getAttribute('aria-label') ||"
        " document.querySelector(`label[for='${e.id}']`)?.textContent || '')"
    )
    assert names and all(names)
    find(opened, "#table tbody a")[0].click()
    assert find(opened, "dialog[open] pre")
    beyond = opened.execute_script(
        "const e = document.getElementById('detail');"
        " e.querySelector('pre span').textContent = 'long '.repeat(200);"
        " document.getElementById('title').textContent = 'a_name'.repeat(20);"
        " return e.scrollWidth - e.clientWidth"
    )
    assert beyond <= 0
    press(opened, "\ue00c")  # Escape
    wide = opened.execute_script(
        "const e = document.documentElement; return e.scrollWidth - e.clientWidth"
    )
    assert wide <= 0


def test_contrast(opened):
    """Text on its background, by the formula of WCAG 2, in light and dark."""
    script = """
    const lum = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((n) => n / 255)
        .map((n) => n <= .03928 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4);
      return .2126 * r + .7152 * g + .0722 * b;
    };
    const back = (node) => {
      for (; node; node = node.parentElement) {
        const colour = getComputedStyle(node).backgroundColor;
        if (!/, 0\\)$/.test(colour)) return colour;
      }
      return "rgb(255, 255, 255)";
    };
    const kinds =
      "p, td, th button, button span, small, h2, h3, a, dt, dd, pre span, em";
    const shown = [...document.querySelectorAll(kinds)];
    return Math.min(...shown.filter((e) => e.textContent.trim()).map((e) => {
      const both = [lum(getComputedStyle(e).color), lum(back(e))];
      return (Math.max(...both) + .05) / (Math.min(...both) + .05);
    }));"""
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        assert opened.execute_script(script) >= 4.5
        find(opened, "#table tbody a")[-1].click()
        assert find(opened, "dialog[open] pre em")
        assert opened.execute_script(script) >= 4.5
        press(opened, "\ue00c")  # Escape


def focused(browser):
    return browser.switch_to.active_element


def test_by_the_keyboard_alone(opened):
    """What has the focus keeps it, though the page is made anew around it."""
    for _ in range(30):
        press(opened, "\ue004")  # Tab
        if focused(opened).get_attribute("data-key") == "verdict=keep":
            break
    for number in (1, 2):  # Enter chooses it, and takes it back
        press(opened, "\ue007")
        assert len(rows(opened)) == number
        assert focused(opened).get_attribute("data-key") == "verdict=keep"
    while focused(opened).get_attribute("id") != "words":
        press(opened, "\ue004")
    while focused(opened).tag_name != "a":
        press(opened, "\ue004")
    place = focused(opened).text
    press(opened, "\ue007")
    assert find(opened, "dialog[open]") and focused(opened).text == "Close"
    press(opened, "\ue007")
    assert not find(opened, "dialog[open]") and focused(opened).text == place


def test_the_other_kernel_keeps_the_focus(opened):
    button = find(opened, "#trees button")[1]
    name = button.text
    button.send_keys("\ue007")
    assert focused(opened).text == name


def test_what_is_open_is_what_is_printed(opened):
    def shown():
        found = find(opened, "main, dialog, #tools, #close")
        return {e.get_attribute("id") or e.tag_name for e in found if e.is_displayed()}

    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown() == {"main"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    find(opened, "#table tbody a")[0].click()
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown() == {"detail"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
