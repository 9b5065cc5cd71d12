"""The progress bar's text, with a clock of our own."""

import io
import logging
import time

import numpy as np
import pytest

from minikeras import config
from minikeras.training.progbar import Progbar

FULL = "\u2501" * 20


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def bar_line(count, done, timing, tail):
    left = "\u2501" * (20 - done)
    filled = f"\x1b[32m{FULL[:done]}\x1b[0m" if done else ""
    return f"\x1b[1m{count}\x1b[0m {filled}\x1b[37m{left}\x1b[0m \x1b[1m{timing}\x1b[0m {tail}"


def test_bar_is_redrawn_in_place_and_padded_over_a_longer_one(clock, capsys):
    bar = Progbar(4)
    clock.now += 0.25
    bar.update(1, [("loss", 2.0)])
    clock.now += 0.0625
    bar.update(2, [("loss", 1.0)])
    clock.now += 0.5
    bar.update(4, [("loss", 0.5)])
    first = bar_line("1/4", 5, "0s", "250ms/step - loss: 2.0000")
    second = bar_line("2/4", 10, "0s", "62ms/step - loss: 1.5000 ")
    last = bar_line("4/4", 20, "1s", "188ms/step - loss: 0.5000\n")
    width = len("1/4 ") + 20 + len(" 0s 250ms/step - loss: 2.0000")
    expected = f"\r{first}{chr(8) * width}\r{second}{chr(8) * (width - 1)}\r{last}"
    assert capsys.readouterr().out == expected


def test_updates_within_the_interval_are_not_drawn(clock, capsys):
    bar = Progbar(10, interval=1.0)
    for step in range(1, 6):
        clock.now += 0.1
        bar.update(step)
    assert capsys.readouterr().out == "\r" + bar_line(" 1/10", 2, "0s", "100ms/step")


def test_one_line_at_the_end(clock, capsys):
    bar = Progbar(2, verbose=2)
    clock.now += 3.0
    bar.update(1, [("loss", 4.0)])
    assert capsys.readouterr().out == ""
    clock.now += 0.002
    bar.add(1, [("loss", 1e-4), ("acc", 1)])
    assert capsys.readouterr().out == "2/2 - 3s - 2ms/step - loss: 1.0000e-04 - acc: 1.0000\n"


def test_silent(clock, capsys):
    Progbar(2, verbose=0).update(2, [("loss", 4.0)])
    assert capsys.readouterr().out == ""


def test_unknown_target(clock, capsys):
    bar = Progbar(None)
    clock.now += 90.0
    bar.update(7)
    assert capsys.readouterr().out == "\r      7/Unknown \x1b[1m90s\x1b[0m 13s/step"


@pytest.mark.parametrize(
    ("step", "timing"),
    [(49.5, "49s"), (60.0, "60s"), (99.0, "1:39"), (3600.0, "60:00"), (3966.0, "1:06:06")],
)
def test_remaining_time(clock, capsys, step, timing):
    bar = Progbar(2)
    clock.now += step
    bar.update(1)
    assert f"\x1b[1m{timing}\x1b[0m" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("step", "shown"), [(20.0, "20s"), (1.0, "1s"), (0.5, "500ms"), (2e-5, "20us"), (0.0, "0s")]
)
def test_time_of_a_step(clock, capsys, step, shown):
    bar = Progbar(1, verbose=2, unit_name="sample")
    clock.now += step
    bar.update(1)
    assert capsys.readouterr().out.endswith(f" - {shown}/sample\n")


def test_stateful_metrics_are_not_averaged(clock, capsys):
    for options, shown in (
        ({}, "a: 2.0000 - b: 2.0000"),
        ({"stateful_metrics": ["a"]}, "a: 3.0000 - b: 2.0000"),
        ({"stateless_metrics": ["a"]}, "a: 2.0000 - b: 3.0000"),
        ({"stateless_metrics": []}, "a: 3.0000 - b: 3.0000"),
    ):
        bar = Progbar(9, interval=0, **options)
        bar.update(1, [("a", 1.0), ("b", np.float32(1.0))])
        bar.update(2, [("a", 3.0), ("b", np.float32(3.0))])
        assert capsys.readouterr().out.endswith(shown)


def test_at_most_one_list_of_names():
    with pytest.raises(ValueError, match="Only one of `stateful_metrics`"):
        Progbar(2, stateful_metrics=["a"], stateless_metrics=["b"])


def test_output_without_the_bars_character(clock, monkeypatch):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    Progbar(2).update(1)
    assert b"\x1b[32m==========\x1b[0m\x1b[37m==========" in out.buffer.getvalue()


def test_without_interactive_logging_the_logger_gets_the_lines(clock, capsys, caplog):
    config.disable_interactive_logging()
    try:
        with caplog.at_level(logging.INFO, logger="minikeras"):
            Progbar(2, verbose=2).update(2)
            Progbar(None).update(1)
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert caplog.messages == ["2/2 - 0s - 0s/step\n", "\r      1/Unknown \x1b[1m0s\x1b[0m 0s/step"]
