"""Bind the words of sessions that were sealed before words were bound. Runs inside a migration."""

from typing import Final

import asyncpg

from service.foundation.crypto.sealing import Cell
from service.foundation.database.reseal import OpenKeys, Resealing, reseal
from service.sessions.session_words import change_cell, session_cell

SESSIONS: Final = """
    SELECT session.practice_id, session.id, session.client_id, session.sealed, session.updated_at,
           practice_key.wrapped AS practice_key, client_key.wrapped AS wrapped_key
      FROM session
      JOIN practice_key ON practice_key.practice_id = session.practice_id
      JOIN client_key ON client_key.practice_id = session.practice_id
                     AND client_key.client_id = session.client_id
     WHERE session.sealed IS NOT NULL
       AND (session.practice_id, session.id) > ($1, $2)
     ORDER BY session.practice_id, session.id
     LIMIT $3
"""
STORE_SESSION: Final = "UPDATE session SET sealed = $3 WHERE practice_id = $1 AND id = $2"
CHANGES: Final = """
    SELECT change.practice_id, change.id, session.client_id, change.sealed, change.session_id, change.at,
           change.updated_at, practice_key.wrapped AS practice_key, client_key.wrapped AS wrapped_key
      FROM session_change AS change
      JOIN session ON session.practice_id = change.practice_id AND session.id = change.session_id
      JOIN practice_key ON practice_key.practice_id = change.practice_id
      JOIN client_key ON client_key.practice_id = change.practice_id
                     AND client_key.client_id = session.client_id
     WHERE change.sealed IS NOT NULL
       AND (change.practice_id, change.id) > ($1, $2)
     ORDER BY change.practice_id, change.id
     LIMIT $3
"""
STORE_CHANGE: Final = "UPDATE session_change SET sealed = $3 WHERE practice_id = $1 AND id = $2"

OF_SESSIONS: Final = Resealing(
    SESSIONS,
    STORE_SESSION,
    before=lambda row: Cell("session", "sealed", row["id"]),
    after=lambda row: session_cell(row["id"], row["updated_at"]),
)
OF_CHANGES: Final = Resealing(
    CHANGES,
    STORE_CHANGE,
    before=lambda row: Cell("session_change", "sealed", row["id"]),
    after=lambda row: change_cell(row["id"], row["session_id"], row["at"], row["updated_at"]),
)


async def bind_words(connection: asyncpg.Connection, open_keys: OpenKeys) -> None:
    """Seal all words of sessions and of their changes anew, bound to their rows."""
    await reseal(connection, open_keys, OF_SESSIONS)
    await reseal(connection, open_keys, OF_CHANGES)
