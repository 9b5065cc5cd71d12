"""The tables of docs/keras2.md are those of the code."""

from tests.keras2.page import BEGIN, END, PAGE, written


def test_the_page_is_written_from_the_tables():
    text = PAGE.read_text()
    shown = text[text.index(BEGIN) + len(BEGIN) + 1 : text.index(END)]
    assert shown == written(), "run `python -m tests.keras2.page`"
