"""The ratios that an investor asks for, from the months of a company.

In: drivers, their months and the customers of each line at the end. Out: `Ratios`, and `LineRatios` per
revenue line, not rounded. None stands for a ratio that does not exist. Called by `model_run`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from rowcrew.bundled.model_run.cash_flows import internal_rate_of_return, net_present_value
from rowcrew.bundled.model_run.saas_model import HALF_CENT, Drivers, Month, RevenueLine, grown

BURN_MONTHS: Final = 3


class LineRatios(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A revenue line in the last month.

    Attributes:
        customers, arpa: at the end; revenue per customer and month.
        arr: annual recurring revenue, 12 times the month's.
        ltv: arpa * gross margin / churn; None without churn.
        ltv_to_cac: None without a price for new customers.
        payback_months: what a new customer costs / (arpa * gross margin).
        steady_customers: where the number of customers leads; None if new customers grow or nobody leaves.
    """

    name: str
    customers: float
    arpa: float
    churn_rate: float
    arr: float
    ltv: float | None
    ltv_to_cac: float | None
    payback_months: float | None
    steady_customers: float | None


class Ratios(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A company over its months; a ratio of one month is the last month's.

    Attributes:
        customers, arpa, churn_rate, ltv, ltv_to_cac, payback_months: means over the revenue lines, weighted
            by customers; `customers` is their sum.
        arr: annual recurring revenue, 12 times the last month's.
        gross_margin: (revenue - cogs) / revenue; None without revenue.
        burn_rate: mean of the last three months' -cash flow, at least 0.
        runway_months: when cash crosses zero, between two months in proportion; None if it does not.
        naive_runway_months: cash at the end / burn rate; None if nothing burns.
        cash_out_month: the first month that ends below zero.
        break_even_month: the first month whose EBITDA is not negative.
        npv: worth of the cash flows without funding at the discount rate, which is compounded monthly (a
            twelfth of it a month), the first discounted by one month.
        irr: the annual rate, compounded monthly, at which these flows are worth the opening cash.
    """

    closing_cash: float
    total_revenue: float
    total_ebitda: float
    customers: float
    arpa: float | None
    churn_rate: float | None
    arr: float
    gross_margin: float | None
    burn_rate: float
    runway_months: float | None
    naive_runway_months: float | None
    cash_out_month: int | None
    break_even_month: int | None
    ltv: float | None
    ltv_to_cac: float | None
    payback_months: float | None
    npv: float
    irr: float | None
    irr_monthly: float | None


def line_ratios(drivers: Drivers, months: Sequence[Month], customers: Sequence[float]) -> list[LineRatios]:
    """The ratios of each revenue line; `customers` are each line's at the end."""
    margin = gross_margin(months[-1])
    return [
        _line_ratios(line, count, len(months), margin, drivers.cac_per_new_customer)
        for line, count in zip(drivers.revenue, customers, strict=True)
    ]


def ratios(drivers: Drivers, months: Sequence[Month], lines: Sequence[LineRatios]) -> Ratios:
    """The ratios of the whole company, from its months and those of its lines."""
    flows = [month.cash_flow - month.funding for month in months]
    monthly = internal_rate_of_return([-drivers.opening_cash, *flows])
    last = months[-1]
    burn = burn_rate(months)
    cash_out = cash_out_month(months)
    return Ratios(
        closing_cash=last.cash,
        total_revenue=sum(month.revenue for month in months),
        total_ebitda=sum(month.ebitda for month in months),
        customers=last.customers,
        arpa=_weighted([line.arpa for line in lines], lines),
        churn_rate=_weighted([line.churn_rate for line in lines], lines),
        arr=last.recurring_revenue * 12,
        gross_margin=gross_margin(last),
        burn_rate=burn,
        runway_months=runway_months(drivers.opening_cash, months, cash_out),
        naive_runway_months=_ratio(max(0.0, last.cash), burn),
        cash_out_month=cash_out,
        break_even_month=next((month.month for month in months if month.ebitda > -HALF_CENT), None),
        ltv=_weighted([line.ltv for line in lines], lines),
        ltv_to_cac=_weighted([line.ltv_to_cac for line in lines], lines),
        payback_months=_weighted([line.payback_months for line in lines], lines),
        npv=net_present_value(drivers.discount_rate_annual / 12, [0.0, *flows]),
        irr=None if monthly is None else monthly * 12,
        irr_monthly=monthly,
    )


def gross_margin(month: Month) -> float | None:
    return _ratio(month.gross_profit, month.revenue)


def burn_rate(months: Sequence[Month]) -> float:
    recent = months[-BURN_MONTHS:]
    return max(0.0, -sum(month.cash_flow for month in recent) / len(recent))


def cash_out_month(months: Sequence[Month]) -> int | None:
    """The first month that ends below zero, to the cent."""
    return next((month.month for month in months if month.cash < -HALF_CENT), None)


def runway_months(opening_cash: float, months: Sequence[Month], cash_out: int | None) -> float | None:
    """When cash crosses zero on its straight way from one month's end to the next."""
    if cash_out is None:
        return None
    before = max(0.0, opening_cash if cash_out == 1 else months[cash_out - 2].cash)
    return cash_out - 1 + before / (before - months[cash_out - 1].cash)


def _line_ratios(
    line: RevenueLine, customers: float, month: int, margin: float | None, cac: float
) -> LineRatios:
    arpa = grown(line.arpa, line.arpa_growth, month)
    margin_of_customer = None if margin is None else arpa * margin
    ltv = _ratio(margin_of_customer, line.churn_rate)
    return LineRatios(
        name=line.name,
        customers=customers,
        arpa=arpa,
        churn_rate=line.churn_rate,
        arr=customers * arpa * 12,
        ltv=ltv,
        ltv_to_cac=_ratio(ltv, cac),
        payback_months=_ratio(cac, margin_of_customer),
        steady_customers=_ratio(line.new_customers, line.churn_rate)
        if not line.new_customers_growth
        else None,
    )


def _ratio(part: float | None, whole: float | None) -> float | None:
    """The quotient; None unless there is a part and the whole is above zero."""
    return None if part is None or whole is None or whole <= 0 else part / whole


def _weighted(values: Sequence[float | None], lines: Sequence[LineRatios]) -> float | None:
    """The mean of a ratio over the lines that have customers; None if a line lacks the ratio."""
    counted = [
        (value, line.customers) for value, line in zip(values, lines, strict=True) if line.customers > 0
    ]
    known = [(value, weight) for value, weight in counted if value is not None]
    if not known or len(known) < len(counted):
        return None
    return sum(value * weight for value, weight in known) / sum(weight for _, weight in known)
