"""Present value and internal rate of return against two implementations of others."""

from __future__ import annotations

import numpy_financial
import pytest
import pyxirr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rowcrew.bundled.model_run.cash_flows import internal_rate_of_return, net_present_value

KNOWN = [-1000.0, 300.0, 420.0, 680.0]


def test_the_reference_flows_have_the_reference_rate_and_value() -> None:
    assert internal_rate_of_return(KNOWN) == pytest.approx(0.163405600689, abs=5e-13)
    assert net_present_value(0.1, KNOWN) == pytest.approx(130.728775, abs=5e-7)


@settings(max_examples=300, derandomize=True)
@given(st.floats(-0.5, 2), st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60))
def test_present_values_are_those_of_numpy_financial_and_pyxirr(rate: float, flows: list[float]) -> None:
    ours = net_present_value(rate, flows)
    size = sum(abs(flow) / (1 + rate) ** period for period, flow in enumerate(flows))
    assert ours == pytest.approx(numpy_financial.npv(rate, flows), abs=1e-11 * size)
    assert ours == pytest.approx(pyxirr.npv(rate, flows), abs=1e-11 * size)


@settings(max_examples=300, derandomize=True)
@given(
    st.lists(st.floats(-1e6, -1), min_size=1, max_size=12),
    st.lists(st.floats(1, 1e6), min_size=1, max_size=48),
)
def test_investments_have_the_rates_of_numpy_financial_and_pyxirr(
    spent: list[float], earned: list[float]
) -> None:
    flows = spent + earned  # one change of sign: one rate
    ours = internal_rate_of_return(flows)
    assert ours is not None
    assume(-0.5 < ours < 5)  # beyond, pyxirr does not look
    assert pyxirr.irr(flows, guess=ours) == pytest.approx(ours, rel=1e-6, abs=1e-9)
    assert abs(numpy_financial.irr(flows) - ours) < 1e-6 * (1 + abs(ours))


@settings(max_examples=300, derandomize=True)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=600))
def test_a_rate_is_a_root_on_both_sides_of_which_the_value_has_another_sign(flows: list[float]) -> None:
    rate = internal_rate_of_return(flows)
    if not (any(flow > 0 for flow in flows) and any(flow < 0 for flow in flows)):
        assert rate is None
    elif rate is not None and rate > -0.9:
        values = [net_present_value((1 + rate) * (1 + step) - 1, flows) for step in (-1e-7, 1e-7)]
        size = sum(abs(flow) / (1 + rate) ** period for period, flow in enumerate(flows))
        assert values[0] * values[1] <= 0 or max(map(abs, values)) < 1e-6 * size


def test_of_two_rates_the_one_nearest_to_zero_is_told() -> None:
    flows = [-100.0, 230.0, -132.0]  # worth nothing at 10 % and at 20 %
    assert internal_rate_of_return(flows) == pytest.approx(0.1)


@pytest.mark.parametrize("flows", [[], [0.0], [1.0, 2.0], [-1.0, -5.0, 0.0], [1.0, -1.0, 1.0]])
def test_flows_without_a_rate_have_none(flows: list[float]) -> None:
    assert internal_rate_of_return(flows) is None


def test_six_hundred_months_at_extreme_rates_do_not_overflow() -> None:
    assert internal_rate_of_return([-1e9, *[0.0] * 599, 1.0]) == pytest.approx(1e-9 ** (1 / 600) - 1)
    assert internal_rate_of_return([-1.0, *[1e12] * 600]) == pytest.approx(1e12)
    rate = internal_rate_of_return([-1e12, *[1.0] * 600])
    assert rate is not None
    assert net_present_value(rate, [0.0, *[1.0] * 600]) == pytest.approx(1e12)
