"""Collect the cloud costs now, beside the nightly plan, and wait for what comes of it.

    DATABASE_URL=postgresql://… python examples/trigger_cost_collection.py

`rowcrew schedules trigger cost_collection` enqueues the same job without waiting.
"""

from __future__ import annotations

from rowcrew import enqueue, wait


def main() -> None:
    job = enqueue("cost_collection")
    print(f"job {job.id} collects")
    print(wait(job, timeout=600))


if __name__ == "__main__":
    main()
