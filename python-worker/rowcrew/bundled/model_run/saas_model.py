"""The equations of `model_run`: a company that sells subscriptions, month after month.

In: its drivers, which are what a scenario may change. Out: the figures of each month, not rounded. No I/O.
A driver may be a numpy array of draws in place of a number, and then the figures are arrays too: this is how
`driver_simulation` simulates with the very equations that `model_run` computes with.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

ENGINE_VERSION: Final = 1
"""Raised whenever the same drivers would give other figures."""
MOST_LINES: Final = 200
MOST_MONTHS: Final = 600
LARGEST_FIGURE: Final = 7e13  # up to 2**46 neighbouring float64 are less than a cent apart
HALF_CENT: Final = 0.005

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
SignedAmount = Annotated[float, Meta(ge=-1e12, le=1e12)]
Count = Annotated[float, Meta(ge=0, le=1e12)]
Share = Annotated[float, Meta(ge=0, le=1)]
Ratio = Annotated[float, Meta(ge=0, le=10)]
Growth = Annotated[float, Meta(ge=-1, le=2)]
Days = Annotated[float, Meta(ge=0, le=720)]
MonthNumber = Annotated[int, Meta(ge=1, le=MOST_MONTHS)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A part of a payload: camelCase in JSON, and nothing in it that is not known."""


class RevenueLine(Part, frozen=True, kw_only=True):
    """Customers who come, pay every month, and leave. `arpa` is revenue per customer and month."""

    name: Name
    start_customers: Count = 0.0
    new_customers: Count = 0.0
    new_customers_growth: Growth = 0.0
    churn_rate: Share = 0.0
    arpa: Amount = 0.0
    arpa_growth: Growth = 0.0


class MonthlyLine(Part, frozen=True, kw_only=True):
    """An amount a month, from month `from` on. Growth counts from month 1, whatever `from` is."""

    name: Name
    monthly: SignedAmount
    growth: Growth = 0.0
    first_month: MonthNumber = msgspec.field(default=1, name="from")


class Role(Part, frozen=True, kw_only=True):
    """People with one salary, from month `from` on. `loadPct` is what their employment costs on top of it."""

    role: Name
    count: Count
    annual_salary: Amount
    first_month: MonthNumber = msgspec.field(default=1, name="from")
    load_pct: Ratio = 0.0


class Funding(Part, frozen=True, kw_only=True):
    """Money that comes from outside, or goes back there if negative, in one month."""

    month: MonthNumber
    amount: SignedAmount


class Drivers(Part, frozen=True, kw_only=True):
    """What the figures follow from; a line that is not given counts nothing.

    Rates and shares are fractions: 0.2 is 20 %. `dso` and `dpo` are days until customers pay and until the
    company pays, in months of 30 days.
    """

    opening_cash: Amount = 0.0
    revenue: tuple[RevenueLine, ...] = ()
    fixed_revenue: tuple[MonthlyLine, ...] = ()
    cogs_pct: Ratio = 0.0
    cac_per_new_customer: Amount = 0.0
    opex: tuple[MonthlyLine, ...] = ()
    headcount: tuple[Role, ...] = ()
    tax_rate: Share = 0.0
    dso: Days = 0.0
    dpo: Days = 0.0
    funding: tuple[Funding, ...] = ()
    discount_rate_annual: Ratio = 0.0

    def __post_init__(self) -> None:
        lines = sum(map(len, (self.revenue, self.fixed_revenue, self.opex, self.headcount, self.funding)))
        if lines > MOST_LINES:
            raise ValueError(f"the model has {lines} lines, more than the {MOST_LINES} allowed")


class Month(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The figures of one month: customers, profit and loss, cash flow, and cash at its end.

    `recurringRevenue` comes from the revenue lines; `opex` = `operating` (the lines) + `payroll` (with load)
    + `acquisition`; `receivables` and `payables` are balances; a change of either changes the
    cash flow.
    """

    month: int
    customers: float
    new_customers: float
    lost_customers: float
    recurring_revenue: float
    fixed_revenue: float
    revenue: float
    cogs: float
    gross_profit: float
    operating: float
    payroll: float
    acquisition: float
    opex: float
    ebitda: float
    tax: float
    receivables: float
    payables: float
    funding: float
    cash_flow: float
    cash: float


class Sales(msgspec.Struct, frozen=True):
    """The customers' side of one month, over all revenue lines."""

    customers: float = 0.0
    new: float = 0.0
    lost: float = 0.0
    revenue: float = 0.0


class Company:
    """A company at the end of a month; at first of month 0, before the model begins."""

    def __init__(self, drivers: Drivers) -> None:
        self._drivers = drivers
        self._receivables = self._payables = self._unused_losses = 0.0
        self.month = 0
        self.customers = [line.start_customers for line in drivers.revenue]
        self.cash = drivers.opening_cash

    def next_month(self) -> Month:
        """Live through one more month."""
        self.month += 1
        drivers = self._drivers
        sales = self._sell()
        fixed_revenue = lines_total(drivers.fixed_revenue, self.month)
        revenue = sales.revenue + fixed_revenue
        cogs = revenue * drivers.cogs_pct
        operating = lines_total(drivers.opex, self.month)
        payroll = payroll_total(drivers.headcount, self.month)
        acquisition = sales.new * drivers.cac_per_new_customer
        opex = operating + payroll + acquisition
        ebitda = revenue - cogs - opex
        tax = self._tax(ebitda)
        funding = funding_total(drivers.funding, self.month)
        cash_flow = ebitda - tax - self._tied_up(revenue, cogs + opex) + funding
        self.cash = self.cash + cash_flow  # += would write into the array that the month before shows
        return Month(
            month=self.month,
            customers=sales.customers,
            new_customers=sales.new,
            lost_customers=sales.lost,
            recurring_revenue=sales.revenue,
            fixed_revenue=fixed_revenue,
            revenue=revenue,
            cogs=cogs,
            gross_profit=revenue - cogs,
            operating=operating,
            payroll=payroll,
            acquisition=acquisition,
            opex=opex,
            ebitda=ebitda,
            tax=tax,
            receivables=self._receivables,
            payables=self._payables,
            funding=funding,
            cash_flow=cash_flow,
            cash=self.cash,
        )

    def _sell(self) -> Sales:
        customers = new = lost = revenue = 0.0
        for place, line in enumerate(self._drivers.revenue):
            leaving = self.customers[place] * line.churn_rate
            coming = grown(line.new_customers, line.new_customers_growth, self.month)
            staying = self.customers[place] - leaving + coming
            self.customers[place] = staying
            customers += staying
            new += coming
            lost += leaving
            revenue += staying * grown(line.arpa, line.arpa_growth, self.month)
        return Sales(customers, new, lost, revenue)

    def _tax(self, ebitda: float) -> float:
        """Tax on what is left after the losses of earlier months."""
        tax = positive(ebitda - self._unused_losses) * self._drivers.tax_rate
        self._unused_losses = positive(self._unused_losses - ebitda)
        return tax

    def _tied_up(self, revenue: float, costs: float) -> float:
        """The cash that this month's rise of receivables over payables keeps away."""
        before = self._receivables - self._payables
        self._receivables = revenue * self._drivers.dso / 30
        self._payables = costs * self._drivers.dpo / 30
        return self._receivables - self._payables - before


def grown(value: float, growth: float, month: int) -> float:
    """A value of month 1 in a later month. Growth is per month."""
    factor: float = (1 + growth) ** (month - 1)
    return value * factor


def lines_total(lines: tuple[MonthlyLine, ...], month: int) -> float:
    return sum(
        (grown(line.monthly, line.growth, month) for line in lines if line.first_month <= month), start=0.0
    )


def payroll_total(roles: tuple[Role, ...], month: int) -> float:
    """The salaries of a month with what employment costs on top of them."""
    return sum(
        (
            role.count * role.annual_salary / 12 * (1 + role.load_pct)
            for role in roles
            if role.first_month <= month
        ),
        start=0.0,
    )


def funding_total(fundings: tuple[Funding, ...], month: int) -> float:
    return sum((each.amount for each in fundings if each.month == month), start=0.0)


def positive(value: float) -> float:
    """max(0, value), exactly, in a form that numbers and arrays share."""
    return (value + abs(value)) / 2


def require_holdable(month: Month) -> None:
    """Refuse figures whose cents float64 cannot hold.

    Raises:
        OverflowError: names the figure and the month.
    """
    for name in FIGURES:
        if not abs(getattr(month, name)) <= LARGEST_FIGURE:
            raise OverflowError(f"{name} of month {month.month} is beyond {LARGEST_FIGURE:.0e}")


FIGURES: Final = tuple(name for name in Month.__struct_fields__ if name != "month")
