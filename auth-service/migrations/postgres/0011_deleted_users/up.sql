-- Users who are gone, for services that keep something of theirs. Rows stay: a service that was put back to an earlier
-- state reads them once more.
CREATE TABLE deleted_users (
    -- One more than the last one's, so that ids are in the order of the commits.
    id BIGINT PRIMARY KEY CHECK (id > 0),
    user_id TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(user_id) = 36),
    deleted_at BIGINT NOT NULL
);
