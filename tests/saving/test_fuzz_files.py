"""Some hundred changed files every day, the same ones; `make fuzz-files` tries thousands."""

import pytest

from tests.saving import fuzz_files

COUNT, SEED = 240, 2026


@pytest.mark.fuzz
def test_changed_files(tmp_path):
    counts, wrong, _ = fuzz_files.supervise(COUNT, SEED, tmp_path)
    assert not wrong, "\n".join(wrong)
    assert sum(counts.values()) == COUNT
    outcomes = {outcome for _, outcome in counts}
    assert {"loaded", "FileError", "ValueError", "TypeError"} <= outcomes
    loaded = {form for form, outcome in counts if outcome == "loaded"}
    assert loaded >= {form for form, _ in counts} - {"yaml"}
