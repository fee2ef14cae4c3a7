"""What a worker takes from a queue under limits: one look at a time."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew.admin import jobs
from rowcrew.control.road.appetite import Ask
from rowcrew.control.road.limited_queue import GAP_SECONDS
from rowcrew.model.outcome import Completed
from rowcrew.table import worker as statements
from tests.control.site import OpenSite, Site

pytestmark = pytest.mark.anyio


def limit(site: Site, queue: str = "default", **limits: Any) -> None:
    """Limits of a queue that have stood there for a while."""
    names = ", ".join(f'"{name}"' for name in limits)
    places = ", ".join(["%s"] * len(limits))
    query: Any = f"INSERT INTO queues (queue, {names}) VALUES (%s, {places})"
    site.table.rows(query, queue, *limits.values())
    site.table.rows("UPDATE queues SET \"limitedAt\" = now() - interval '1 hour'")


def limit_key(site: Site, key: str, **limits: Any) -> None:
    """A limit of a key that has stood there for a while."""
    names = ", ".join(f'"{name}"' for name in limits)
    places = ", ".join(["%s"] * len(limits))
    query: Any = (
        f"INSERT INTO limits (key, \"createdAt\", {names}) VALUES (%s, now() - interval '1 hour', {places})"
    )
    site.table.rows(query, key, *limits.values())


async def taken(site: Site, room: int = 10) -> list[int]:
    """The jobs that one look of each kind takes, in the order of the row's id."""
    before = {run.job.id for run in site.road.ledger}
    ask = Ask(site.catalogue.names, room, 1)
    await site.organs.reserver.look(ask)
    await site.organs.reserver.look_under_limits(ask)
    return sorted({run.job.id for run in site.road.ledger} - before)


async def finish(site: Site, *ids: int) -> None:
    for id in ids:
        run = site.running(id)
        site.began([run])
        site.ended(run, Completed(b"null"))
    await site.road.recorder.once()


async def test_no_more_runs_of_a_queue_than_its_limit(site: Site) -> None:
    limit(site, maxConcurrent=2)
    ids = [site.table.enqueue("quick") for _ in range(5)]
    assert await taken(site) == ids[:2]
    assert await taken(site) == []
    await finish(site, ids[0])
    assert await taken(site) == ids[2:3]


async def test_a_paused_queue_starts_nothing_until_it_is_resumed(site: Site) -> None:
    limit(site, paused=True)
    id = site.table.enqueue("quick")
    assert await taken(site) == []
    site.table.rows("UPDATE queues SET paused = false")
    site.organs.reserving.looks.woken()
    site.organs.reserving.looks._learn_next = True
    assert await taken(site) == [id]


async def test_no_more_runs_of_a_key_than_the_queues_limit_per_key(site: Site) -> None:
    limit(site, maxConcurrentPerKey=1)
    a = [site.table.enqueue("quick", concurrencyKey="a") for _ in range(3)]
    b = [site.table.enqueue("quick", concurrencyKey="b") for _ in range(3)]
    free = site.table.enqueue("quick")
    assert await taken(site) == [a[0], b[0], free]


async def test_a_rate_holds_for_every_window(site: Site) -> None:
    limit(site, rateLimit=2, ratePeriodSeconds=3600)
    ids = [site.table.enqueue("quick") for _ in range(5)]
    assert await taken(site) == ids[:2]
    await finish(site, *ids[:2])
    assert await taken(site) == []


async def test_a_rate_per_key_holds_for_each(site: Site) -> None:
    limit(site, rateLimitPerKey=1, ratePeriodSeconds=3600)
    ids = [site.table.enqueue("quick", concurrencyKey=key) for key in "aabb"]
    assert await taken(site) == [ids[0], ids[2]]
    await finish(site, ids[0], ids[2])
    site.organs.reserver.places_free()
    assert await taken(site) == []


async def test_a_named_limit_holds_across_queues_beside_rows_without_one(site: Site) -> None:
    limit_key(site, "api", maxConcurrent=2)
    a = [site.table.enqueue("quick", concurrencyKey="api", queue="a") for _ in range(2)]
    b = [site.table.enqueue("quick", concurrencyKey="api", queue="b") for _ in range(2)]
    free = site.table.enqueue("quick", queue="b", concurrencyKey="other")
    found = await taken(site)
    assert free in found
    assert len(set(found) & {*a, *b}) == 2


async def test_all_limits_of_a_job_hold_together(site: Site) -> None:
    limit(site, maxConcurrent=3, maxConcurrentPerKey=2)
    limit_key(site, "a", maxConcurrent=1)
    ids = [site.table.enqueue("quick", concurrencyKey=key) for key in "aaabbbccc"]
    keys = [ids.index(id) // 3 for id in await taken(site)]
    assert keys == [0, 1, 2]


async def test_keys_take_turns_though_one_has_far_more_rows(site: Site) -> None:
    limit(site, maxConcurrent=1, maxConcurrentPerKey=1)
    big = [site.table.enqueue("quick", concurrencyKey="a") for _ in range(20)]
    small = [site.table.enqueue("quick", concurrencyKey=key) for key in "bbcc"]
    served = []
    for _ in range(8):
        [id] = await taken(site)
        served.append(id)
        await finish(site, id)
    assert set(small) < set(served)
    assert big[0] in served


async def test_named_keys_of_an_unlimited_queue_take_turns(site: Site) -> None:
    for key in "abc":
        limit_key(site, key, maxConcurrent=1)
    ids = [site.table.enqueue("quick", concurrencyKey=key) for key in "aaabbbccc"]
    served = []
    for _ in range(3):
        [id] = await taken(site, room=1)
        served.append(ids.index(id) // 3)
        await finish(site, id)
    assert served == [0, 1, 2]


async def test_urgent_jobs_come_first_inside_a_limit(site: Site) -> None:
    limit(site, maxConcurrent=1)
    ids = [site.table.enqueue("quick", priority=priority) for priority in (0, 20, -10)]
    assert await taken(site) == [ids[1]]


async def test_runs_from_before_the_limit_count(site: Site) -> None:
    site.table.enqueue("quick")
    site.table.enqueue("quick")
    assert len(await taken(site, room=2)) == 2
    limit(site, maxConcurrent=2)
    site.table.enqueue("quick")
    site.organs.reserving.looks._learn_next = True
    assert await taken(site) == []
    assert site.table.rows('SELECT count("placeAt") AS n FROM jobs')[0]["n"] == 2


async def test_a_first_limit_waits_for_reservations_from_before(site: Site) -> None:
    limit(site, maxConcurrent=1)
    site.table.rows('UPDATE queues SET "limitedAt" = now()')
    id = site.table.enqueue("quick")
    assert await taken(site) == []
    site.clock.move(GAP_SECONDS)
    assert await taken(site) == [id]


async def test_a_dying_run_keeps_its_place_until_its_worker_says_that_it_is_dead(site: Site) -> None:
    limit(site, maxConcurrent=1)
    first, second = site.table.enqueue("quick"), site.table.enqueue("quick")
    assert await taken(site) == [first]
    run = site.running(first)
    site.table.set_status(first, "cancelled")
    site.organs.reserver.places_free()
    assert await taken(site) == []
    site.began([run])
    site.ended(run, Completed(b"null"))
    await site.road.recorder.once()
    await site.road.letting_go.done()
    site.organs.reserver.places_free()
    assert await taken(site) == [second]


async def test_a_rescue_gives_the_places_of_a_dead_worker_back(site: Site, open_site: OpenSite) -> None:
    limit(site, maxConcurrent=1)
    first = site.table.enqueue("quick")
    assert await taken(site) == [first]
    dead = site.organs.identity.worker_id
    another = await open_site()
    [beats] = [row["beats"] for row in site.table.rows("SELECT beats FROM workers WHERE id = %s", dead)]
    await statements.rescue(another.links.chores, workers=[dead], beats=[beats])
    assert site.table.row(first)["placeAt"] is None
    assert await taken(another) == [first]


async def test_rows_that_are_not_due_or_were_requeued_by_hand_obey_the_limit(site: Site) -> None:
    limit(site, maxConcurrent=1, rateLimit=100)
    late = site.table.enqueue("quick", runAt="2190-01-01")
    first, second = site.table.enqueue("quick"), site.table.enqueue("quick")
    assert await taken(site) == [first]
    site.table.set_status(second, "cancelled")
    site.table.set_status(second, "queued")
    site.organs.reserver.places_free()
    assert await taken(site) == []
    await finish(site, first)
    assert await taken(site) == [second]
    assert site.table.row(late)["status"] == "queued"


@pytest.mark.parametrize("limits", [{}, {"maxConcurrent": 3}])
async def test_without_priorities_jobs_are_taken_by_id_alone(
    open_site: OpenSite, limits: dict[str, Any]
) -> None:
    site = await open_site(by_priority=False)
    if limits:
        limit(site, **limits)
    ids = [site.table.enqueue("quick", priority=priority) for priority in (-10, 20, 0, 10, 7, -10)]
    assert await taken(site, room=3) == ids[:3]
    await finish(site, *ids[:3])
    assert await taken(site, room=3) == ids[3:]


async def why(site: Site, id: int) -> list[str]:
    explained = await jobs.why(site.links.chores, id)
    assert explained is not None
    return [reason.code for reason in explained.reasons]


async def test_why_names_the_limit_that_holds_a_job_back(site: Site) -> None:
    limit(site, "places", maxConcurrent=1)
    limit(site, "paused", paused=True)
    limit(site, "rated", rateLimit=1, ratePeriodSeconds=3600)
    limit_key(site, "api", maxConcurrent=1)
    for queue in ("places", "rated"):
        site.table.enqueue("quick", queue=queue)
    site.table.enqueue("quick", concurrencyKey="api")
    assert len(await taken(site)) == 3
    waits = {queue: site.table.enqueue("quick", queue=queue) for queue in ("places", "paused", "rated")}
    assert await why(site, waits["places"]) == ["limit-reached"]
    assert await why(site, waits["paused"]) == ["queue-paused"]
    assert await why(site, waits["rated"]) == ["rate-used-up"]
    assert await why(site, site.table.enqueue("quick", concurrencyKey="api")) == ["limit-reached"]
    assert await why(site, site.table.enqueue("quick")) == ["about-to-run"]
