"""The benchmarks of this repository: `./dev bench NAME`.

Each module measures one thing in a scratch schema of a private PostgreSQL and returns a `Report`. What users
can run against their own database is in `rowcrew.bench`; the figures are in docs/performance.md.
"""
