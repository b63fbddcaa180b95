"""Counts of failed attempts, by bucket."""

from datetime import datetime, timedelta

import msgspec

from service.foundation.database.connection import Connection
from service.foundation.database.query import Query, Statement


class AttemptCount(msgspec.Struct, frozen=True):
    """Whether one more attempt is allowed, and if not, until when it is refused."""

    allowed: bool
    blocked_until: datetime


COUNT_ATTEMPT = Query(
    AttemptCount,
    """
    INSERT INTO throttle AS kept (bucket, failures, last_failed_at, blocked_until)
    VALUES ($1, 1, $2, to_timestamp(0))
    ON CONFLICT (bucket) DO UPDATE
       SET failures = CASE WHEN kept.last_failed_at < $2 - $5::interval THEN 1
                           WHEN kept.blocked_until > $2 THEN kept.failures
                           ELSE kept.failures + 1 END,
           last_failed_at = CASE WHEN kept.blocked_until > $2 THEN kept.last_failed_at ELSE $2 END,
           blocked_until = CASE WHEN kept.blocked_until > $2 THEN kept.blocked_until
                                WHEN kept.failures < $3 OR kept.last_failed_at < $2 - $5::interval
                                THEN to_timestamp(0)
                                ELSE $2 + least($4::interval, make_interval(
                                              secs => power(2, least(kept.failures - $3 + 1, 20))))
                           END,
           attempts_refused = CASE WHEN kept.blocked_until > $2 THEN kept.attempts_refused + 1 ELSE 0 END
 RETURNING attempts_refused = 0 AS allowed, blocked_until
""",
)


async def count_attempt(
    connection: Connection, bucket: bytes, now: datetime, *, free: int, longest: timedelta, forget: timedelta
) -> AttemptCount:
    """Count an attempt as a failure before it is judged: otherwise many sent at once would all be judged."""
    return await COUNT_ATTEMPT.one(connection, bucket, now, free, longest, forget)


UNCOUNT_ATTEMPT = Statement(
    """
    UPDATE throttle
       SET failures = greatest(failures - 1, 0), blocked_until = to_timestamp(0)
     WHERE bucket = $1
""",
)


async def uncount_attempt(connection: Connection, bucket: bytes) -> None:
    """Take back the count of one attempt that was no failure."""
    await UNCOUNT_ATTEMPT.run(connection, bucket)


DELETE_FAILURES = Statement(
    """
    DELETE FROM throttle
     WHERE bucket = $1
""",
)


async def delete_failures(connection: Connection, bucket: bytes) -> None:
    """Delete the failures before a success."""
    await DELETE_FAILURES.run(connection, bucket)


SWEEP_THROTTLE = Statement(
    """
    DELETE FROM throttle
     WHERE bucket IN (SELECT bucket
                        FROM throttle
                       WHERE last_failed_at < $1
                       LIMIT 100
                         FOR UPDATE SKIP LOCKED)
""",
)


async def sweep_throttle(connection: Connection, before: datetime) -> None:
    """Delete up to 100 buckets whose last failure was before an instant."""
    await SWEEP_THROTTLE.run(connection, before)
