"""The page in a real browser: what a reader does there, on a run of 2,400 samples."""

from __future__ import annotations

import difflib
import re
import shutil
from urllib.parse import parse_qsl

import pytest

from harness.report.collect import texts
from harness.report.page import write
from harness.report.page.write import write_page
from harness.store.run import RunStore

FOUND = "document.getElementById('found').textContent"
GO = """async address => {
  const sample = document.getElementById("sample"), before = sample.firstChild, wait = () => new Promise(r => setTimeout(r, 5));
  location.hash = address;
  for (let turns = 0; turns < 400 && sample.firstChild === before; turns++) await wait();
  return document.getElementById("found").textContent;
}"""
COUNTS = """() => [...document.querySelectorAll("td a, .panel a")].filter(link => !link.closest(".lead"))
  .map(link => [link.getAttribute("href"), link.getAttribute("aria-label") || link.textContent])"""  # a share has no count
BARE = """() => [...document.querySelectorAll("td span")]
  .filter(span => !span.querySelector("a") && /[1-9]\\d*\\/\\d+|n = [1-9]/.test(span.textContent))
  .map(span => [span.closest(".wide").ariaLabel, span.closest("tr").cells[0].textContent, span.textContent])"""
PALETTE = """names => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue("--" + name).trim()]));
}"""


def count(told: str) -> int:
    return int(told.split(" of ")[0].replace(",", ""))


def choose(page, name: str, label: str) -> int:
    page.select_option(f"#filters [name={name}]", label=label)
    page.wait_for_timeout(200)
    return count(page.evaluate(FOUND))


def test_it_opens_without_a_complaint_and_fetches_nothing(run, opened):
    found = opened(run.page)
    assert found.page.evaluate(FOUND) == "2,400 of 2,400 samples"
    assert found.page.locator("#list .row").count() < 60  # of 2,400: only those in sight
    assert found.requests == [run.page.as_uri()]
    assert found.complaints == []


def test_every_count_is_the_number_of_samples_that_it_leads_to(run, opened):
    page = opened(run.page).page
    links = page.evaluate(COUNTS)
    assert len(links) > 300
    seen = {}
    for href, text in links:
        written = re.findall(r"(\d+)/\d+|n = (\d+)|^(?:.*: |[+−])?(\d+)$", text)
        assert written, text
        number = int(next(filter(None, written[0])))
        assert seen.setdefault(href, number) == number, (href, text)
    conditions = {name for href in seen for name, _ in parse_qsl(href.partition("?")[2])}
    assert conditions == {
        "suite",
        "arm",
        "base",
        "flip",
        "outcome",
        "family",
        "detector",
        "reading",
        "agree",
        "labelled",
        "only",
    }
    for href, number in list(seen.items())[::3]:
        assert count(page.evaluate(GO, href)) == number, href


def test_a_count_without_a_link_is_none_of_this_runs_samples(run, opened):
    page = opened(run.page).page
    for table, row, text in page.evaluate(BARE):
        elsewhere = table == "Controls" or (table.startswith("Measured error") and not row.startswith("this run"))
        assert elsewhere or text == "42/42", (table, row, text)  # Linears are no samples


def test_an_address_opens_one_sample_beside_its_base(run, opened):
    page = opened(run.page, "#goodhart7/time_duration%2F017/0/rtn3").page
    assert page.locator("#sample h3").text_content() == "time_duration/017"
    sides = [box.locator("pre") for box in page.locator("#sample .turn:has(pre.prompt) .side").all()[:2]]
    base, other = (side.text_content() for side in sides)
    assert "as none has it" in base
    assert "as rtn3 has it" in other
    marked = [side.locator("mark").all_text_contents() for side in sides]
    assert "none" in marked[0]
    assert "rtn3" in marked[1]
    kept = [without(text.split(), marks) for text, marks in zip((base, other), marked, strict=True)]
    assert kept[0] == kept[1]  # what is not marked stands in both, in one order
    blocks = difflib.SequenceMatcher(None, base.split(), other.split(), autojunk=False).get_matching_blocks()
    assert len(kept[0]) >= sum(block.size for block in blocks)
    assert "gold" in page.locator("#sample dl").first.text_content()
    assert not page.locator("pre.prompt").first.is_visible()
    page.locator("#sample summary").first.click()
    assert page.locator("pre.prompt").first.is_visible()
    page.locator(".arms a", has_text="rtn2").click()
    page.wait_for_function("() => location.hash.endsWith('rtn2')")
    assert page.locator(".arms a[aria-current]").text_content() == "rtn2"
    assert "no sample" in opened(run.page, "#goodhart7/nothing/0/rtn3").page.locator("#sample").text_content()


def without(words: list[str], marks: list[str]) -> list[str]:
    rest = list(marks)
    return [word for word in words if not (rest and rest[0] == word and rest.pop(0))]


def test_filters_find_what_they_say(run, opened):
    page = opened(run.page, "#samples?suite=goodhart7&arm=rtn2").page
    verdicts = {
        cell.compressor: {row.item: row for row in run.data.rows[cell.id]}
        for cell in run.data.cells
        if cell.suite == "goodhart7"
    }
    pairs = [(verdicts["none"][item], row) for item, row in verdicts["rtn2"].items() if row.verdict]
    lost = sum(base.verdict.truth and not row.verdict.truth for base, row in pairs)
    assert choose(page, "flip", "right → wrong") == lost > 100
    assert choose(page, "family", "recipe_scale") == sum(
        b.verdict.truth and not r.verdict.truth for b, r in pairs if r.family == "recipe_scale"
    )
    page.click("#filters button")
    page.wait_for_timeout(200)
    assert page.evaluate(FOUND) == "2,400 of 2,400 samples"
    assert choose(page, "label", "careless") == sum(
        bool(row.verdict) and row.verdict.label == "careless" for rows in verdicts.values() for row in rows.values()
    )
    page.click("#filters button")
    assert choose(page, "detector", "hardcode: flagged") == 4 * sum(number % 9 == 0 for number in range(560))
    page.click("#filters button")
    assert choose(page, "only", "cut at the limit") == 4 * sum(number % 50 == 3 for number in range(560))
    page.click("#filters button")
    page.fill("#filters [name=text]", "A PEAR in 7")
    page.wait_for_function(f"() => {FOUND}.startsWith('1 of')")
    assert page.locator("#list .row b").all_text_contents() == ["time_duration/017"]


def test_the_keyboard_is_enough(run, opened):
    page = opened(run.page, "#samples?suite=goodhart7&arm=rtn2").page
    first = page.locator("#sample h3").text_content()
    page.keyboard.press("j")
    page.wait_for_function("name => document.querySelector('#sample h3').textContent !== name", arg=first)
    assert page.locator(".row[aria-selected=true] b").text_content() == page.locator("#sample h3").text_content()
    assert (
        page.evaluate("decodeURIComponent(location.hash)")
        == f"#goodhart7/{page.locator('#sample h3').text_content()}/0/rtn2"
    )
    page.keyboard.press("k")
    page.wait_for_function("name => document.querySelector('#sample h3').textContent === name", arg=first)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "text"
    page.keyboard.type("jk")
    assert page.locator("#sample h3").text_content() == first
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "list"


def test_headers_sort_by_the_keyboard_with_blanks_last(run, opened):
    page = opened(run.page).page
    table = page.locator("#run table", has=page.locator("th", has_text="bits/weight"))
    button = table.locator("th button", has_text="bits/weight")
    for way, expected in (("ascending", ["2.250", "3.250", "4.250"]), ("descending", ["4.250", "3.250", "2.250"])):
        button.focus()
        page.keyboard.press("Enter")
        cells = table.locator("tbody td:nth-child(4)").all_text_contents()
        assert [cell for cell in cells if cell != "–"] == expected
        assert cells[-1] == "–"
        assert table.locator("th[aria-sort]").get_attribute("aria-sort") == way


@pytest.mark.parametrize("address", ["", "#goodhart7/time_duration%2F017/0/rtn3", "#samples?arm=rtn2&outcome=neither"])
def test_a_phone_scrolls_tables_and_not_the_page(run, opened, address):
    page = opened(run.page, address, width=360, is_mobile=True, has_touch=True).page
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("[...document.querySelectorAll('.wide')].some(w => w.scrollWidth > w.clientWidth)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(run, opened, scheme):
    page = opened(run.page, color_scheme=scheme).page
    names = ("paper", "ink", "soft", "accent", "wash", "tint", "mark", "markink", "warn", *(f"s{n}" for n in range(8)))
    colour = page.evaluate(PALETTE, list(names))
    for text in ("ink", "soft", "accent"):
        for ground in ("paper", "wash", "tint"):
            assert contrast(colour[text], colour[ground]) >= 4.5, (text, ground)
    assert contrast(colour["markink"], colour["mark"]) >= 4.5
    for line in ("warn", *(f"s{n}" for n in range(8))):
        assert contrast(colour[line], colour["paper"]) >= 3
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio of two #rrggbb."""

    def luminance(colour: str) -> float:
        shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_what_a_model_wrote_stays_text_and_the_policy_holds(run, opened):
    found = opened(run.page, "#goodhart7/discount_coupon%2F000/0/rtn2")
    page = found.page
    shown = page.locator("#sample pre:not(.prompt)").nth(1).text_content()
    assert "</script><script>parent.hit=1</script>" in shown
    assert "\\u202e\\u001b[2J" in shown
    assert page.evaluate("window.hit") is None
    assert page.locator("#sample img, #sample script, #sample [style]").count() == 0
    assert found.complaints == []
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:1/x\" onerror=\"window.hit=1\">')"
    )
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s)"
    )
    page.wait_for_timeout(50)
    assert page.evaluate("window.hit") is None
    assert len(found.complaints) >= 2  # the policy's own


def test_curves_say_what_they_show(run, opened):
    page = opened(run.page).page
    titles = page.locator("#goodhart7 .panel").evaluate_all("panels => panels.map(p => p.getAttribute('aria-label'))")
    assert [title.split(" against")[0] for title in titles] == [
        "understanding",
        "execution",
        "gap rate",
        "DBDK rate",
        "KL divergence",
    ]
    point = page.locator("#goodhart7 .panel").nth(1).locator("a", has=page.locator("circle.dot")).first
    told = point.get_attribute("aria-label")
    arm = next(arm for arm in ("rtn2",) if told.startswith(arm))
    assert re.fullmatch(rf"{arm}, 2\.25 bits/weight, 2\.25 MB: [\d.]+ % \[[\d.]+, [\d.]+\], \d+/560", told)
    tip = point.locator(".tip").first
    assert not tip.is_visible()
    point.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert tip.is_visible()
    assert (
        page.locator("figure .unseen")
        .first.text_content()
        .startswith("goodhart7 against size. understanding: baseline:")
    )


def test_it_prints(run, opened):
    page = opened(run.page).page
    assert page.pdf().startswith(b"%PDF")
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.evaluate(
        "dispatchEvent(new Event('beforeprint')); [...document.querySelectorAll('main details')].every(d => d.open)"
    )


def test_texts_of_a_large_run_lie_beside_the_page(run, opened, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "MOST_INSIDE", 1000)
    store, page_file = RunStore(run.folder), tmp_path / "report.html"
    write_page(page_file, run.report, run.data, lambda cell: texts(store, cell))
    [folder] = tmp_path.glob("report-samples-*")
    assert page_file.stat().st_size < run.page.stat().st_size
    found = opened(page_file, "#goodhart7/time_duration%2F017/0/rtn3")
    assert "as rtn3 has it" in found.page.locator("#sample").text_content()
    assert len(found.requests) == 4  # the page, two chunks of replies, one of prompts
    found.page.fill("#filters [name=text]", "a pear in 7")
    found.page.wait_for_function(f"() => {FOUND}.startsWith('1 of')")
    assert found.complaints == []
    shutil.rmtree(folder)
    told = opened(page_file, "#goodhart7/time_duration%2F017/0/rtn3").page.locator("#sample").text_content()
    assert "is missing: the folder belongs beside the page" in told
    monkeypatch.undo()
    folder.mkdir()
    write_page(page_file, run.report, run.data, lambda cell: texts(store, cell))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
