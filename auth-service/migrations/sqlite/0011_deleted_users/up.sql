-- Users who are gone, for services that keep something of theirs. Rows stay: a service that was put back to an earlier
-- state reads them once more.
CREATE TABLE deleted_users (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
    user_id TEXT NOT NULL UNIQUE CHECK (length(user_id) = 36),
    deleted_at BIGINT NOT NULL
);

CREATE INDEX deleted_users_deleted_at ON deleted_users (deleted_at);

-- One row. Whoever deletes a user changes it in the same transaction, so that ids are in the order of the commits.
CREATE TABLE deleted_users_count (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    last_id BIGINT NOT NULL CHECK (last_id >= 0)
);

INSERT INTO deleted_users_count (id, last_id) VALUES (1, 0);
