"""Schedules: jobs that come round by the clock. Any backend inserts a row; a worker's chore fires its ticks.

The tick to fire is stored in "nextAt", and each fired tick is a row of `schedule_ticks`, whose primary key
makes "one job for each schedule and tick" a constraint, whoever edits what.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE schedules (
        name                 text PRIMARY KEY,
        cron                 text,
        "everySeconds"       integer,
        "timezone"           text NOT NULL DEFAULT 'UTC',
        "startAt"            timestamptz,
        "endAt"              timestamptz,
        type                 text NOT NULL,
        payload              jsonb NOT NULL DEFAULT '{}',
        queue                text,
        priority             smallint,
        "maxAttempts"        smallint,
        "jitterSeconds"      integer NOT NULL DEFAULT 0,
        missed               text NOT NULL DEFAULT 'once',
        overlap              text NOT NULL DEFAULT 'allow',
        "pauseAfterFailures" integer,
        paused               boolean NOT NULL DEFAULT false,
        "pauseReason"        text,
        problem              text,
        source               text NOT NULL DEFAULT 'row',
        "declaredBy"         text,
        "nextAt"             timestamptz,
        "waitingTick"        timestamptz,
        "lastAt"             timestamptz,
        "lastJobId"          bigint,
        "resumedAt"          timestamptz,
        "createdAt"          timestamptz NOT NULL DEFAULT now(),
        "updatedAt"          timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT schedules_name_form CHECK (length(name) BETWEEN 1 AND 200),
        CONSTRAINT schedules_one_rule CHECK ((cron IS NULL) <> ("everySeconds" IS NULL)),
        CONSTRAINT schedules_rule_length CHECK (length(cron) <= 200 AND length("timezone") <= 100),
        CONSTRAINT schedules_every_positive CHECK ("everySeconds" > 0),
        CONSTRAINT schedules_type_name CHECK (type <> '' AND length(type) <= 200),
        CONSTRAINT schedules_payload_object CHECK (jsonb_typeof(payload) = 'object'),
        CONSTRAINT schedules_queue_name CHECK (queue ~ '^[a-z0-9_][a-z0-9_.-]*$' AND length(queue) <= 63),
        CONSTRAINT schedules_attempts_sane CHECK ("maxAttempts" BETWEEN 1 AND 1000),
        CONSTRAINT schedules_jitter_sane CHECK ("jitterSeconds" BETWEEN 0 AND 86400),
        CONSTRAINT schedules_missed_known CHECK (missed IN ('skip', 'once', 'all')),
        CONSTRAINT schedules_overlap_known CHECK (overlap IN ('allow', 'skip', 'queueOne', 'cancelOld')),
        CONSTRAINT schedules_failures_sane CHECK ("pauseAfterFailures" BETWEEN 1 AND 100),
        CONSTRAINT schedules_source_known CHECK (source IN ('row', 'code', 'family')),
        CONSTRAINT schedules_dates_finite
            CHECK (least("nextAt", "waitingTick", "startAt", "endAt") > '1000-01-01 00:00+00'
                   AND greatest("nextAt", "waitingTick", "startAt", "endAt") < '9999-01-01 00:00+00')
    )
    """,
    """
    CREATE TABLE schedule_ticks (
        schedule  text NOT NULL REFERENCES schedules (name) ON UPDATE CASCADE ON DELETE CASCADE,
        tick      timestamptz NOT NULL,
        "jobId"   bigint,
        "firedAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (schedule, tick)
    )
    """,
    """CREATE INDEX schedules_due ON schedules ("nextAt") WHERE NOT paused""",
)

# A changed rule and the end of a pause plan anew, from now: what passed meanwhile is no missed tick. An
# UPDATE that sets "nextAt" itself is obeyed.
TRIGGERS = (
    """
    CREATE FUNCTION schedules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        resumed boolean := OLD.paused AND NOT NEW.paused;
        new_rule boolean := (NEW.cron, NEW."everySeconds", NEW."timezone", NEW."startAt", NEW."endAt")
            IS DISTINCT FROM (OLD.cron, OLD."everySeconds", OLD."timezone", OLD."startAt", OLD."endAt");
    BEGIN
        NEW."updatedAt" := clock_timestamp();
        IF resumed OR new_rule THEN
            NEW.problem := NULL;
            NEW."waitingTick" := NULL;
            IF NEW."nextAt" IS NOT DISTINCT FROM OLD."nextAt" THEN
                NEW."nextAt" := NULL;
            END IF;
        END IF;
        IF resumed THEN
            NEW."resumedAt" := clock_timestamp();
        END IF;
        IF NEW.paused <> OLD.paused AND NEW."pauseReason" IS NOT DISTINCT FROM OLD."pauseReason" THEN
            NEW."pauseReason" := NULL;
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER schedules_changed BEFORE UPDATE ON schedules FOR EACH ROW
        WHEN ((NEW.cron, NEW."everySeconds", NEW."timezone", NEW."startAt", NEW."endAt", NEW.paused)
              IS DISTINCT FROM
              (OLD.cron, OLD."everySeconds", OLD."timezone", OLD."startAt", OLD."endAt", OLD.paused))
        EXECUTE FUNCTION schedules_changed()
    """,
)


def upgrade() -> None:
    for statement in (*TABLES, *TRIGGERS):
        op.execute(statement)
    op.execute('UPDATE rowcrew_schema SET revision = 3, "minimumWorker" = 3')


def downgrade() -> None:
    op.execute("DROP TABLE schedule_ticks, schedules")
    op.execute("DROP FUNCTION schedules_changed")
    op.execute('UPDATE rowcrew_schema SET revision = 2, "minimumWorker" = 2')
