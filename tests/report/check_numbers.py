"""Every number on a page must be a cell of a saved table: a check that any test can run over a report."""

import math
import re
from html.parser import HTMLParser

import pandas as pd

from darkvoyage.report.cells import KEYS, neutralise
from darkvoyage.report.dossier import complete_tables

CONSTANTS = re.compile(r"\bP10\b|\bP50\b|\bP90\b|SHA-256")
VOID = {"meta", "br", "input", "link", "img", "hr"}


def check_numbers(html, tables):
    """List what is wrong: numbers outside cells, cells that are not in their table, and figures written wrongly.

    `tables` are those saved beside the page, `cases` and `summary` included. Returns (problems, cells checked).
    """
    page = _Page()
    page.feed(html)
    page.close()
    book = _Tables(tables)
    problems = [f"unclosed <{tag}>" for tag, _ in page.stack]
    problems += [text for text in map(book.wrong_cell, page.cells) if text]
    names = {neutralise(name) for name in book.whole["ports"]["name"]}
    problems += [
        f"number outside a cell: {text!r} in <{tag}>" for tag, text in page.loose if text not in names or tag != "text"
    ]
    return problems, len(page.cells)


class _Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.cells, self.loose = [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in VOID:
            return
        self.stack.append((tag, attrs))
        if "data-table" in attrs:
            self.cells.append([tag, attrs, ""])

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack[-1][0] == tag, f"</{tag}> closes <{self.stack[-1][0]}>"
        self.stack.pop()

    def handle_data(self, data):
        tags = [tag for tag, _ in self.stack]
        if {"head", "script", "style"} & set(tags):
            return
        if any("data-table" in attrs for _, attrs in self.stack):
            self.cells[-1][2] += data
            return
        if any("data-verbatim" in attrs or attrs.get("class") == "axis" for _, attrs in self.stack):
            return
        if any(re.search(r"matplotlib\.axis_|scale-text", attrs.get("id") or "") for _, attrs in self.stack):
            return
        if re.search(r"\d", CONSTANTS.sub("", data)):
            self.loose.append((tags[-1] if tags else "", data.strip()))


class _Tables:
    def __init__(self, tables):
        self.whole = complete_tables(tables)
        self.rows = {}

    def wrong_cell(self, cell):
        tag, attrs, shown = cell
        name, key, column = attrs["data-table"], attrs["data-key"], attrs.get("data-col")
        where = f"{name}[{key}].{column}"
        if name not in self.whole or column not in self.whole[name]:
            return f"{where}: no such table or column"
        candidates = [self.whole[name][column].iloc[k] for k in self._find(name).get(key, [])]
        if not candidates:
            return f"{where}: no such row"
        right = any(_agrees(tag, attrs, shown, value) for value in candidates)
        return None if right else f"{where}: shown {shown!r} (exact {attrs.get('value')!r}), table has {candidates!r}"

    def _find(self, name):
        if name not in self.rows:
            frame = self.whole[name]
            index = {}
            for k, values in enumerate(zip(*(frame[key].tolist() for key in KEYS[name]), strict=True)):
                index.setdefault(neutralise("|".join(map(_word, values))), []).append(k)
            self.rows[name] = index
        return self.rows[name]


def _word(value):
    if value is None or pd.isna(value):
        return ""
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)


def _agrees(tag, attrs, shown, value):
    if isinstance(value, list):
        return shown in [neutralise(item) for item in value]
    if pd.isna(value):
        return False
    if tag == "time":
        return pd.Timestamp(attrs["datetime"]) == value and value.isoformat(sep=" ").startswith(shown)
    if tag == "data":
        return float(attrs["value"]) == float(value) and _close(shown, float(value))
    if isinstance(value, str):
        return shown == neutralise(value)
    return shown == ("yes" if value else "no")


def _close(shown, value):
    """Whether a written figure is the value to its last digit."""
    if "∞" in shown:
        return math.isinf(value)
    text, scale = shown.replace(",", "").replace("−", "-"), 1.0
    if text.endswith(" million"):
        text, scale = text.removesuffix(" million"), 1e6
    if text.endswith(" %"):
        text, scale = text.removesuffix(" %"), 0.01
    if text.startswith("<"):
        return 0 <= value < float(text[1:]) * scale
    if text.startswith(">"):
        return float(text[1:]) * scale < value <= 1
    decimals = len(text.partition(".")[2])
    return abs(float(text) * scale - value) <= 0.5001 * scale * 10.0**-decimals
