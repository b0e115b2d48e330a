import re
import time

import pandas as pd
import pytest

from darkvoyage.errors import ReadError
from darkvoyage.report.dossier import case_table, summarise
from darkvoyage.report.page import render_report, write_report
from tests.report.check_numbers import check_numbers
from tests.report.conftest import campaign

CONFIG = "cap_bbl = 500000.0\n\n[gap]\nmin_gap_h = 6.0\n"
NOTE = "All ships in this report are fictional, 43 calls included."


@pytest.fixture(scope="module")
def saved(fake):
    tables = dict(fake)
    tables["comparison"] = pd.DataFrame(
        {"item": ["hidden calls found"], "inferred": [38], "true": [43], "note": ["at least likely"]}
    )
    tables["cases"] = case_table(tables)
    return tables | {"summary": summarise(tables)}


@pytest.fixture(scope="module")
def page(saved):
    return render_report(saved, config_toml=CONFIG, notes=[NOTE])


def visible(html):
    return re.sub(r"\s+", " ", re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL))


def test_every_number_is_a_cell_of_a_saved_table(page, saved):
    problems, checked = check_numbers(page, saved)
    assert problems == []
    assert checked > 3000


def test_the_check_finds_what_is_wrong(page, saved):
    assert check_numbers(page.replace("</footer>", "<p>43 calls</p></footer>"), saved)[0]
    other = saved | {"summary": saved["summary"].assign(value=saved["summary"]["value"] + 1)}
    assert check_numbers(page, other)[0]
    shown = re.search(r'<data value="([^"]+)"[^>]*data-col="barrels_p50">([^<]+)<', page)
    assert check_numbers(page.replace(shown.group(0), shown.group(0).replace(f">{shown.group(2)}<", ">17<")), saved)[0]


def test_one_file_that_asks_for_nothing(page):
    assert "src=" not in page
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert set(re.findall(r'href="([^"]?)', page)) == {"#"}
    assert re.findall(r"https?://[^\"' <]+", page) == ["http://www.w3.org/1999/xlink"] * page.count("xmlns:xlink")


def test_sections_come_in_order_and_the_comparison_last(page):
    found = re.findall(r'<section id="(\w+)"', page)
    order = ["headline", "map", "ledger", "cases", "cards", "others", "screening", "method", "sources", "comparison"]
    assert found == order
    assert "consistent with" in visible(page)
    assert "illegal" not in page.lower()
    assert "guilty" not in page.lower()
    assert page.index(NOTE) < page.index("<h1")


def test_same_tables_same_bytes(tmp_path, saved):
    shuffled = {
        name: table.sample(frac=1, random_state=3) if name in ("gaps", "silences", "vessels") else table
        for name, table in saved.items()
    }
    first = write_report(tmp_path / "a.html", saved, config_toml=CONFIG)
    again = write_report(tmp_path / "deeper" / "b.html", shuffled, config_toml=CONFIG)
    assert first.read_bytes() == again.read_bytes()


def test_no_tables_give_an_honest_page():
    html = render_report({}, config_toml=CONFIG)
    text = visible(html)
    assert check_numbers(html, {"cases": case_table({}), "summary": summarise({})})[0] == []
    for sentence in (
        "No gap longer than the threshold was found", "There is no suspected call with a position to draw",
        "No call was found whose cargo could be added up", "No ship was matched to a list, or no list was given",
        "no file was read", "neither sightings nor scenes were given",
    ):  # fmt: skip
        assert sentence in text
    assert 'id="comparison"' not in html


def test_gaps_without_a_case_are_counted_by_reading():
    tables = campaign(cases=0, others=40)
    tables |= {"cases": case_table(tables), "summary": summarise(tables)}
    html = render_report(tables, config_toml=CONFIG)
    assert check_numbers(html, tables)[0] == []
    assert "None of them is consistent with" in visible(html)
    assert "Sailing straight on explains the gap best" in html


@pytest.mark.parametrize(
    "missing", ["links", "cargo", "ledger", "sightings", "scenes", "vessels", "silences", "ports", "port_calls"]
)
def test_each_table_may_be_missing(fake, missing):
    tables = {name: table for name, table in fake.items() if name != missing}
    tables |= {"cases": case_table(tables), "summary": summarise(tables)}
    html = render_report(tables, config_toml=CONFIG)
    assert check_numbers(html, tables)[0] == []


def test_names_off_the_air_stay_text():
    tables = campaign(cases=4, others=4)
    evil = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "SHIP‮ELTIT", "$a_1$\x07 {{ 7*7 }} </svg>"]
    tables["vessels"] = tables["vessels"].assign(name=(evil * 9)[: len(tables["vessels"])])
    tables["ports"] = tables["ports"].assign(name=(evil[::-1] * 9)[: len(tables["ports"])])
    tables["gaps"] = tables["gaps"].assign(start_destination="FOR ‏ORDERS' onmouseover='x")
    tables |= {"cases": case_table(tables), "summary": summarise(tables)}
    html = render_report(tables, config_toml='name = "<b>"', title="A & <B>", notes=["<i>‮note"])
    assert check_numbers(html, tables)[0] == []
    assert html.count("<script") == 1
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "SHIP⟨U+202E⟩ELTIT" in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x07]", html)
    assert "{{ 7*7 }}" in html
    assert "<title>A &amp; &lt;B&gt;</title>" in html
    assert "'sha256-" in html


def test_many_cases_stay_small_and_quick(tmp_path):
    tables = campaign(cases=75, others=200)
    tables |= {"cases": case_table(tables), "summary": summarise(tables)}
    begin = time.perf_counter()
    path = write_report(tmp_path / "r.html", tables, config_toml=CONFIG)
    assert time.perf_counter() - begin < 12.0
    assert path.stat().st_size < 6_000_000
    html = path.read_text(encoding="utf-8")
    assert html.count('<details class="card"') == 60
    assert "15 further cases have no card here" in visible(html).replace("  ", " ")
    assert check_numbers(html, tables)[0] == []


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ReadError, match="cannot be written"):
        write_report(tmp_path / "file" / "r.html", {}, config_toml=CONFIG)
