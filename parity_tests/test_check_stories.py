"""Differences that people met in public: `minikeras check` says what each of them is."""

import pytest

from parity_tests.test_check import check

pytestmark = [pytest.mark.parity, pytest.mark.slow]


def told(name):
    """The exit status and the report on a story's model."""
    return check(name, "--batches", "2", "--steps", "3", module="stories")


def test_epsilon_of_adam_in_two_places():
    """A definition, in the step; SGD on the same gradients agrees to the last places of float64."""
    code, report = told("epsilon_in_two_places")
    first = report["findings"][0]
    assert code == 1
    assert first["phase"] == "update" and first["what"] == "weight"
    assert first["class"] == "definition" and first["layer"] == "AdamWithEpsilonInside"
    assert "the slots agree, so it is how the rule uses them" in first["text"]
    assert all(finding["phase"] == "update" for finding in report["findings"])
    code, report = told("sgd")
    assert code == 0 and report["agreement in float64"] < 1e-13


def test_sums_of_28672_terms():
    """Rounding, within the bound, and who is nearer."""
    code, report = told("wide_convolution")
    assert code == 0 and not report["findings"]
    (item,) = [i for i in report["items"] if i["phase"] == "forward"]
    assert item["terms"] == 28_672
    assert max(item["ours"]["largest"], item["theirs"]["largest"]) * 2.0**-23 > 1e-7
    assert max(item["ours"]["largest"], item["theirs"]["largest"]) < item["allowed"]
    assert "conv#0 out0, 28,672 terms a number, within the bound; " in report["conclusion"][1]
    assert report["conclusion"][1].split("; ")[1].endswith((" nearer.", " near."))


def test_the_variance_of_a_sample():
    """A definition, in the moving variance, in training only."""
    code, report = told("variance_of_a_sample")
    assert code == 1
    (finding,) = report["findings"]
    assert finding["class"] == "definition" and finding["phase"] == "first step"
    assert finding["key"].endswith("bn/moving_variance") and "in training only" in finding["text"]
