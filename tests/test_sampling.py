"""The sample of large tables that an everyday run takes: `conftest.py` beside this folder."""

import pytest

TABLE = {f"test[{i}]": {"x": i} for i in range(60)}


def kind(row):
    return row["x"] // 6


@pytest.fixture
def sampling(request):
    config = request.config
    return config.pluginmanager.get_plugin(str(config.rootpath / "conftest.py"))


def test_a_number_of_rows_is_drawn_and_one_of_each_kind(sampling):
    drawn = sampling.sample("1", TABLE, rows=20)
    assert len(drawn) == 20
    with_kinds = sampling.sample("1", TABLE, rows=20, by=kind)
    assert drawn <= with_kinds
    assert {kind(TABLE[name]) for name in with_kinds} == set(range(10))
    assert sampling.sample("1", TABLE, rows=99) == set(TABLE)


def test_the_seed_decides_which_rows_and_not_their_order(sampling):
    drawn = [sampling.sample(str(seed), TABLE, rows=20) for seed in range(40)]
    assert drawn[0] == sampling.sample("0", dict(reversed(TABLE.items())), rows=20)
    assert set().union(*drawn) == set(TABLE)


def test_a_sample_of_the_sample_is_all_of_it(sampling):
    drawn = sampling.sample("1", TABLE, rows=20, by=kind)
    again = {name: TABLE[name] for name in drawn}
    assert sampling.sample("1", again, rows=20, by=kind) == drawn


def test_the_header_says_how_to_repeat_the_sample(sampling):
    assert f"MINIKERAS_SAMPLE={sampling.SEED} " in sampling.pytest_report_header()
