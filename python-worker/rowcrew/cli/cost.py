"""`rowcrew cost`: what workers have cost, beside the same number always on, and what a backlog will cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import cost as admin
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, print_document, shown
from rowcrew.cli.tables import print_table
from rowcrew.model.cost import DAY_SECONDS, AlwaysOn, Expense, Forecast, Spent, forecast, hours
from rowcrew.model.duration import duration

COLUMNS: Final = ("queue", "workers", "worker hours", "job hours", "cost")
SEVERAL: Final = "(several)"

Rate = Annotated[
    float,
    Parameter(validator=Number(gte=0), help="Dollars for an hour of one worker."),
]

cost = App(name="cost", help="What workers cost, and what a backlog will.")


@cost.default
def show(
    *,
    rate: Rate = 0.01,
    days: Annotated[float, Parameter(validator=Number(gt=0, lte=admin.KEPT_DAYS))] = admin.KEPT_DAYS,
    workers: Annotated[int, Parameter(validator=Number(gte=1))] = 3,
    compare: bool = False,
    json: AsJson = False,
) -> None:
    """Sum up what workers cost: from start to stop, idle time included.

    Job hours are those in which handlers ran, as workers have counted them; a
    worker with several slots has more of them than hours of its own.

    Parameters
    ----------
    days
        How far back, 7 at most: so long the rows of workers are kept.
    workers
        How many are always on, in the figure to compare with.
    compare
        Set what a month of such days costs beside the figure.
    """
    expense = ask(read_settings(), lambda link: admin.spent(link, days=days))
    always_on = AlwaysOn(workers)
    if json:
        print_document(_document(expense, always_on, rate, days))
        return
    print(_heading(expense, days))
    print_table([_cells(one, rate) for one in [*expense.queues, expense.whole]], COLUMNS, shrink=("queue",))
    print(f"\nAlways on: {always_on_line(always_on, rate)}")
    if compare:
        print(f"As it ran: {ran_line(expense.monthly_seconds, always_on, rate)}")


@cost.command(name="forecast")
def tell_forecast(
    *,
    rate: Rate = 0.01,
    queue: str | None = None,
    slots: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    json: AsJson = False,
) -> None:
    """Tell what the jobs that are left will cost, by what runs of their types have taken.

    Parameters
    ----------
    queue
        Only this queue.
    slots
        How many jobs a worker runs at once; else what WORKER_CONCURRENCY says.
    """
    settings = read_settings()
    waiting = ask(settings, lambda link: admin.waiting(link, queue=queue))
    found = forecast(waiting, slots or settings.slots)
    if json:
        document = {**columns(found), "dollars": hours(found.worker_seconds) * rate}
        print_document({**document, "types": [columns(one) for one in waiting]})
    else:
        print(forecast_line(found, rate))
        if found.unknown:
            unknown = sorted({one.type for one in waiting if one.mean_seconds is None})
            left_out = f"{_jobs(found.unknown)} of types that nobody has timed yet"
            print(f"Not reckoned: {left_out}: {', '.join(unknown)}")


def always_on_line(always_on: AlwaysOn, rate: float) -> str:
    """How much workers cost that never stop."""
    workers = f"{always_on.workers:,} worker{'s' if always_on.workers != 1 else ''}"
    together = f"{always_on.hours:,} h = {dollars(always_on.hours * rate)}"
    return f"{workers} × 24 h × {always_on.days} days = {together}"


def ran_line(seconds: float, always_on: AlwaysOn, rate: float) -> str:
    """How much a month of these seconds costs beside it."""
    saved = always_on.saved(hours(seconds))
    than = f"{saved:.1f} % saved" if saved >= 0 else f"{-saved:.1f} % more"
    return f"{hours(seconds):,.1f} h in {always_on.days} days = {dollars(hours(seconds) * rate)}, {than}"


def forecast_line(found: Forecast, rate: float) -> str:
    """How much is left to do, as a sentence."""
    if not found.jobs:
        return "Nothing that could be reckoned is left to run."
    needed = hours(found.worker_seconds)
    price = dollars(needed * rate)
    return f"This backlog needs {needed:,.1f} worker-hours, about {price} ({_jobs(found.jobs)})"


def dollars(amount: float) -> str:
    """With cents, and a tenth of a cent below a dollar."""
    return f"${amount:,.2f}" if amount >= 1 or amount == 0 else f"${amount:.3f}"


def _cells(one: Spent, rate: float) -> dict[str, Any]:
    return {
        "queue": one.queue or SEVERAL,
        "workers": one.workers,
        "worker hours": _hundredths(hours(one.worker_seconds)),
        "job hours": _hundredths(hours(one.job_seconds)),
        "cost": dollars(hours(one.worker_seconds) * rate),
    }


def _hundredths(number: float) -> Decimal:
    """With both digits after the point, so that the points of a column stand below each other."""
    return Decimal(f"{number:.2f}")


def _document(expense: Expense, always_on: AlwaysOn, rate: float, days: float) -> dict[str, Any]:
    seconds = expense.whole.worker_seconds
    return {
        "days": days,
        "firstWorkerAt": expense.since,
        "daysReckoned": expense.days,
        "rate": rate,
        "workerSeconds": seconds,
        "jobSeconds": expense.whole.job_seconds,
        "dollars": hours(seconds) * rate,
        "alwaysOn": {
            "workers": always_on.workers,
            "hours": always_on.hours,
            "dollars": always_on.hours * rate,
        },
        "savedPercent": always_on.saved(hours(expense.monthly_seconds)),
        "queues": [{**columns(one), "dollars": hours(one.worker_seconds) * rate} for one in expense.queues],
    }


def _heading(expense: Expense, days: float) -> str:
    """The days that were asked about, and how many of them there were any workers."""
    heading = f"The last {_days(days)}"
    if expense.since is None:
        return heading
    reckoned = duration(expense.days * DAY_SECONDS)
    return (
        f"{heading}; the first worker started {shown(expense.since)}, and figures are of the {reckoned} since"
    )


def _days(days: float) -> str:
    return "day" if days == 1 else f"{days:g} days"


def _jobs(number: int) -> str:
    return f"{number:,} job{'s' if number != 1 else ''}"
