-- Revocations that have been committed together with their cause and may not be in the revocation log yet, which may be
-- in another store.
CREATE TABLE announcements (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- As in `revocations`.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    before_seconds BIGINT
);
