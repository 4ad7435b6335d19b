-- Revocations that have been committed together with their cause and may not be in the revocation log yet, which may be
-- in another store.
CREATE TABLE announcements (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- As in `revocations`.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    before_seconds BIGINT
);
