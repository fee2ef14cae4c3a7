"""`python -m storm [--seconds N] [--seed N] [--pgbouncer | --promote]`: runs a storm and judges it.

Prints the seed, the script and what happened; exits 1 when an invariant was broken, with the timeline of
each job concerned. The directory with journals and logs is kept then.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rig import pooler
from rig.limits import memory_limit_permitted, process_limit_permitted
from storm import flow, network
from storm.check import RULES, RULES_AFTER_PROMOTION, check
from storm.crew import A_COPY
from storm.drain import drain, silent
from storm.faults import strike
from storm.habit import Habit
from storm.hands import Hands, Holder, StaleSaves
from storm.history import Fault, History, Message, Plan, Tick, entries, limits_of, log_of, runs_of, steps_of
from storm.load import Producer, TreeProducer
from storm.mutations import survivors
from storm.receivers import HOOK, PROGRAM
from storm.recovery import measure
from storm.report import report
from storm.script import LONG, SHORT, script, with_acts, with_promotion
from storm.site import FAKETIME, Site
from storm.soak import soak

PLACES = 4
DESCRIPTORS = 120
TICKS: Final = """
    SELECT extract(epoch FROM coalesce(fired.at, told.at))::float8, coalesce(told.jobs, 0)::int
      FROM (SELECT tick AS at FROM schedule_ticks WHERE schedule = %(schedule)s) AS fired
      FULL JOIN (SELECT (payload->>'tick')::timestamptz AS at, count(*) AS jobs FROM jobs
                  WHERE type = %(schedule)s GROUP BY 1) AS told ON told.at = fired.at
     ORDER BY 1
"""
PLANS: Final = """
    SELECT name, overlap, array_remove(array_agg("jobId" ORDER BY tick), NULL)
      FROM schedules JOIN schedule_ticks ON schedule = name
     GROUP BY name
"""
MESSAGES: Final = """
    SELECT m.id, m.receiver, m.count::int, (SELECT sum(count) FROM events e WHERE e."messageId" = m.id)::int,
           m."deliveredAt" IS NOT NULL
      FROM event_messages m
"""


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    if options.mutations is not None:
        return 1 if survivors(options.mutations) else 0
    if options.recovery:
        measure(options.recovery)
        return 0
    if options.soak:
        return soak(options.soak, options.seed)
    if options.pgbouncer and pooler.PROGRAM is None:
        print(f"storm: {pooler.MISSING}")
        return 2
    directory = Path(tempfile.mkdtemp(prefix="storm-"))
    through = ", through PgBouncer" if options.pgbouncer else ""
    print(f"storm: seed {options.seed}, {options.seconds:g} s{through}, journals in {directory}", flush=True)
    for lacking in _lacking():
        print(f"storm: SKIPPED: {lacking}", flush=True)
    history = storm(directory, options)
    violations = check(history, RULES_AFTER_PROMOTION if options.promote else RULES)
    report(history, violations)
    if not violations:
        shutil.rmtree(directory)
        return 0
    chosen = " --pgbouncer" * options.pgbouncer + " --promote" * options.promote
    print(f"again: ./dev storm --seed {options.seed} --seconds {options.seconds:g}{chosen}")
    return 1


def _lacking() -> list[str]:
    """Faults that this machine does not permit, in words."""
    lacking = []
    if not FAKETIME.exists():
        lacking.append("libfaketime is not installed (Debian: faketime), so all workers' clocks are right")
    if why := network.refusal():
        lacking.append(f"no network namespace, so no packets are dropped, refused or lost: {why}")
    if not process_limit_permitted():
        lacking.append("no control groups are lent, so no worker runs out of processes")
    if not memory_limit_permitted():
        lacking.append("no control groups are lent, so no worker lives in a small container")
    return lacking


def storm(directory: Path, options: argparse.Namespace) -> History:
    """Work, faults and calm; the history that they leave."""
    weather = LONG if options.seconds > 240 else SHORT
    pooled = options.pgbouncer
    blows = script(options.seed, options.seconds, options.workers, weather, pooled=pooled)
    blows = with_acts(blows, options.seed, options.seconds, options.workers)
    if options.promote:
        blows = with_promotion(blows, options.seed, options.seconds)
    with Site(
        directory,
        members=options.workers,
        pooled=pooled,
        namespaced=not network.refusal(),
        promotable=options.promote,
    ) as site:
        longest = 60 if weather.long_ones else 8
        producers = [
            Producer(site, options.seed, rate=options.rate, longest_seconds=longest),
            Producer(site, options.seed, rate=1, longest_seconds=longest, open_seconds=1.5),
            TreeProducer(site, options.seed, rate=options.rate / 40, longest_seconds=longest),
        ]
        hands = Hands(site, options.seed, pause_seconds=0.7)
        holder = Holder(site, options.seed, held_seconds=weather.held_seconds)
        work: list[Habit] = [*producers, hands, holder, StaleSaves(site, options.seed)]
        for busy in work:
            busy.start()
        for blow in blows:
            print(f"  {blow}", flush=True)
        strike(site, blows)
        for busy in work:
            busy.stop()
        site.calm()
        drain(site, weather.drain_seconds)
        aftermath = silent(site) + _grown(site) + site.stop() + site.family_left()
        aftermath += site.borrowed_state() + _left_in_server(site) + _answered_by_copies(site)
        aftermath += [complaint for busy in work for complaint in busy.complaints]
        return _history(site, producers, hands.cancelled | holder.cancelled, aftermath)


def _history(
    site: Site, producers: list[Producer], cancelled: dict[int, float], aftermath: list[str]
) -> History:
    with site.connect("storm watch") as connection:
        steps, limits = steps_of(connection), limits_of(connection)
        ticks = [Tick(*row) for row in connection.execute(TICKS, {"schedule": flow.TICKS}).fetchall()]
        plans = [Plan(*row) for row in connection.execute(PLANS).fetchall()]
        outcomes = connection.execute('SELECT "leaseId"::text, outcome FROM job_attempts').fetchall()
        effects = connection.execute("SELECT job, count(*) FROM storm_effects GROUP BY job").fetchall()
        aside = connection.execute(
            """SELECT "jobId", tries, extract(epoch FROM "createdAt")::float8 FROM jobs_set_aside"""
        ).fetchall()
        failures = "SELECT coalesce(sum(count), 0)::int FROM events WHERE kind = 'job.failed'"
        ((failures_told,),) = connection.execute(failures).fetchall()
        unmerged = 'SELECT count(*)::int FROM events WHERE "messageId" IS NULL'
        ((unmerged_events,),) = connection.execute(unmerged).fetchall()
        messages = connection.execute(MESSAGES).fetchall()
        errors = connection.execute(
            "SELECT coalesce(string_agg(error || traceback, ' '), '') FROM job_attempts"
        )
        texts = {"job_attempts": str(errors.fetchall()[0][0])}
    acknowledged = {job: at for producer in producers for job, at in producer.acknowledged.items()}
    site.read_logs()
    for number, worker in site.processes.items():
        texts[log_of(number)] = worker.log.read_text(errors="replace")
    return History(
        steps=steps,
        runs=runs_of(entries(site.journal), site.seen_alive),
        faults=sorted(site.faults, key=lambda fault: fault.start),
        acknowledged=list(_kept(acknowledged, site.faults)),
        cancelled=_kept(cancelled, site.faults),
        outcomes=dict(outcomes),
        effects=dict(effects),
        failures_told=failures_told,
        messages=[Message(*row) for row in messages],
        unmerged=unmerged_events,
        heard=site.receivers.heard(),
        listeners=frozenset({HOOK, PROGRAM}),
        set_aside={job: (tries, since) for job, tries, since in aside},
        limits=limits,
        ticks=ticks,
        plans=plans,
        every_seconds=flow.EVERY_SECONDS,
        aftermath=aftermath,
        texts=texts,
        memory=site.memory,
        slots=site.slots,
        exit_codes={n: w.exit_code for n, w in site.processes.items() if w.exit_code is not None},
        out_of_memory=site.out_of_memory(),
        seen_at=time.time(),
    )


def _kept(said: dict[int, float], faults: list[Fault]) -> dict[int, float]:
    """What was said of jobs, by when, without what a promotion may have lost."""
    losses = [(fault.start, fault.end) for fault in faults if fault.kind == "promote"]
    return {job: at for job, at in said.items() if not any(start <= at <= end for start, end in losses)}


def _grown(site: Site) -> list[str]:
    """Workers that hold more descriptors than a worker may, whatever they went through."""
    grown = []
    for member in site.members:
        if member.lives and member.worker is not None:
            held = len(list(Path(f"/proc/{member.worker.pid}/fd").iterdir()))
            if held > DESCRIPTORS:
                grown.append(f"process {member.number} holds {held} descriptors")
    return grown


def _left_in_server(site: Site) -> list[str]:
    locks = site.patiently("storm watch", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")[0][0]
    idle = site.patiently(
        "storm watch",
        "SELECT application_name FROM pg_stat_activity"
        " WHERE application_name LIKE 'rowcrew%%' OR state LIKE 'idle in%%'",
    )
    return [f"{locks} advisory locks are left"] * bool(locks) + [
        f"session {name!r} is left" for (name,) in idle
    ]


def _answered_by_copies(site: Site) -> list[str]:
    answers = site.patiently("storm watch", "SELECT id FROM jobs WHERE result = to_jsonb(%s::text)", A_COPY)
    return [f"a forked copy of its runner answered for job {job}" for (job,) in answers]


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev storm", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=90.0, help="how long faults and work last (default 90)"
    )
    parser.add_argument(
        "--seed", type=int, default=None, help="repeats a storm; chosen and printed without it"
    )
    parser.add_argument(
        "--pgbouncer", action="store_true", help="all workers behind PgBouncer in transaction mode"
    )
    parser.add_argument(
        "--promote", action="store_true", help="in the midst of it a stand-by that lags takes over for good"
    )
    parser.add_argument("--workers", type=int, default=PLACES, help="worker processes")
    parser.add_argument("--rate", type=float, default=20.0, help="jobs a second")
    parser.add_argument(
        "--mutations",
        nargs="?",
        const="",
        metavar="WORDS",
        help="plant bugs instead, all or those whose names have these words, and see each caught",
    )
    parser.add_argument(
        "--recovery", type=int, metavar="ROUNDS", help="measure recovery from each fault instead, so often"
    )
    parser.add_argument(
        "--soak",
        type=int,
        metavar="JOBS",
        help="kill three workers of a spawner instead, for so many jobs",
    )
    options = parser.parse_args(arguments)
    if options.promote and options.pgbouncer:
        parser.error("--promote leads workers to the other server by proxies, --pgbouncer by PgBouncer")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
