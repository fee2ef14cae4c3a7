"""Alembic's entry: plain `alembic upgrade heads` comes in here, and so does `rowcrew migrate`.

Both hand over to `rowcrew.table.migrate`, which knows the address, takes the lock and sets the timeouts.
"""

from alembic import context

from rowcrew.table import migrate

if context.is_offline_mode():
    migrate.print_sql(context)
else:
    migrate.run_migrations(context)
