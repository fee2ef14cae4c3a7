"""Limits: named limits of keys, the log of starts from which rates are counted, and what keeps both in order.

The limits of a queue are columns of `queues`, in the first migration. Older workers do not know limits and
would break them, so this schema serves none of them.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    # Of all jobs with this "concurrencyKey", whatever their queues.
    """
    CREATE TABLE limits (
        key                 text PRIMARY KEY,
        "maxConcurrent"     integer,
        "rateLimit"         integer,
        "ratePeriodSeconds" integer NOT NULL DEFAULT 1,
        until               timestamptz,
        former              jsonb,
        "createdAt"         timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT limits_key_length CHECK (length(key) BETWEEN 1 AND 255),
        CONSTRAINT limits_not_negative CHECK ("maxConcurrent" >= 0 AND "rateLimit" >= 0),
        CONSTRAINT limits_rate_period_positive CHECK ("ratePeriodSeconds" BETWEEN 1 AND 2592000),
        CONSTRAINT limits_until_finite
            CHECK (until > '1000-01-01 00:00+00' AND until < '9999-01-01 00:00+00')
    )
    """,
    # Scopes are 'queue Q', 'key K' and 'queue Q key K'. "total" counts all starts up to and with these, so
    # that two rows tell how many lie between them.
    """
    CREATE TABLE starts (
        scope       text NOT NULL,
        "startedAt" timestamptz NOT NULL,
        count       integer NOT NULL,
        total       bigint NOT NULL,
        PRIMARY KEY (scope, "startedAt", total)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000)
    """,
)

FUNCTIONS = (
    """
    CREATE FUNCTION limits_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('rowcrew_wake', '');
        RETURN NULL;
    END $$
    """,
    # When a queue that had no limit got one: until a while later, runs may be at work that no limit counted.
    """
    CREATE FUNCTION queues_limited() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' OR NOT OLD.limited THEN
            NEW."limitedAt" := clock_timestamp();
        END IF;
        RETURN NEW;
    END $$
    """,
    # With "until", an UPDATE changes limits for a time: `former` keeps what stood there before, and a worker
    # puts it back. A later UPDATE that leaves "until" alone is for good. TG_ARGV names the limits, as JSON
    # with the values of a row that is new.
    """
    CREATE FUNCTION limits_for_a_time() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        defaults jsonb := TG_ARGV[0];
        was jsonb := defaults;
        kept jsonb;
        changed jsonb;
        asked boolean := NEW.until IS NOT NULL;
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            was := to_jsonb(OLD);
            kept := OLD.former;
            asked := NEW.until IS DISTINCT FROM OLD.until;
        END IF;
        SELECT coalesce(jsonb_object_agg(key, was -> key), '{}') INTO changed
          FROM jsonb_object_keys(defaults) AS key
         WHERE was -> key IS DISTINCT FROM to_jsonb(NEW) -> key;
        IF asked THEN
            NEW.former := changed || coalesce(kept, '{}');
        ELSE
            NEW.former := kept - ARRAY(SELECT jsonb_object_keys(changed));
        END IF;
        IF NEW.until IS NULL OR NEW.former = '{}' AND NOT asked THEN
            NEW.until := NULL;
            NEW.former := NULL;
        END IF;
        RETURN NEW;
    END $$
    """,
    # How many of a scope have started in the window that ends at this time: from two rows of the log, however
    # many there were.
    """
    CREATE FUNCTION rowcrew_started(scope text, seconds integer, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
    DECLARE
        last bigint;
        earlier bigint;
    BEGIN
        SELECT s.total INTO last FROM starts s WHERE s.scope = $1
         ORDER BY s.scope DESC, s."startedAt" DESC, s.total DESC LIMIT 1;
        IF NOT FOUND THEN
            RETURN 0;
        END IF;
        SELECT s.total INTO earlier FROM starts s
         WHERE s.scope = $1 AND s."startedAt" <= $3 - $2 * interval '1 second'
         ORDER BY s.scope DESC, s."startedAt" DESC, s.total DESC LIMIT 1;
        IF NOT FOUND THEN
            SELECT s.total - s.count INTO earlier FROM starts s WHERE s.scope = $1
             ORDER BY s.scope, s."startedAt", s.total LIMIT 1;
        END IF;
        RETURN last - earlier;
    END $$
    """,
)

QUEUE_LIMITS = (
    '{"paused": false, "maxConcurrent": null, "maxConcurrentPerKey": null,'
    ' "rateLimit": null, "rateLimitPerKey": null, "ratePeriodSeconds": 1}'
)
KEY_LIMITS = '{"maxConcurrent": null, "rateLimit": null, "ratePeriodSeconds": 1}'

TRIGGERS = (
    # By row: a statement that finds no limit to put back must not wake all workers.
    """
    CREATE TRIGGER queues_changed AFTER INSERT OR DELETE OR UPDATE OF paused, "maxConcurrent",
        "maxConcurrentPerKey", "rateLimit", "rateLimitPerKey", "ratePeriodSeconds", until ON queues
        FOR EACH ROW EXECUTE FUNCTION limits_changed()
    """,
    """
    CREATE TRIGGER limits_changed AFTER INSERT OR UPDATE OR DELETE ON limits
        FOR EACH ROW EXECUTE FUNCTION limits_changed()
    """,
    """
    CREATE TRIGGER queues_limited BEFORE INSERT OR UPDATE ON queues
        FOR EACH ROW EXECUTE FUNCTION queues_limited()
    """,
    f"""
    CREATE TRIGGER queues_for_a_time BEFORE INSERT OR UPDATE ON queues
        FOR EACH ROW EXECUTE FUNCTION limits_for_a_time('{QUEUE_LIMITS}')
    """,
    f"""
    CREATE TRIGGER limits_for_a_time BEFORE INSERT OR UPDATE ON limits
        FOR EACH ROW EXECUTE FUNCTION limits_for_a_time('{KEY_LIMITS}')
    """,
)

REVISION = """UPDATE rowcrew_schema SET revision = {0}, "minimumWorker" = {0}"""


def upgrade() -> None:
    for statement in (*TABLES, *FUNCTIONS, *TRIGGERS, REVISION.format(2)):
        op.execute(statement)


def downgrade() -> None:
    for trigger in ("queues_for_a_time", "queues_limited", "queues_changed"):
        op.execute(f"DROP TRIGGER {trigger} ON queues")
    op.execute("DROP TABLE starts, limits")
    op.execute("DROP FUNCTION rowcrew_started, limits_for_a_time, queues_limited, limits_changed")
    op.execute(REVISION.format(1))
