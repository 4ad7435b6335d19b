-- Users who were deleted at auth-service, for as long as a token of theirs may be good. None of them makes a note.
CREATE TABLE forgotten_users (
    user_id TEXT NOT NULL PRIMARY KEY CHECK (length(user_id) = 36),
    forgotten_at BIGINT NOT NULL,
    -- Since when it is certain that there is no note of theirs; NULL while there may be some.
    settled_at BIGINT
);

CREATE INDEX forgotten_users_forgotten_at ON forgotten_users (forgotten_at);
CREATE INDEX forgotten_users_unsettled ON forgotten_users (user_id) WHERE settled_at IS NULL;

-- At most one row: how far the list of deleted users has been read.
CREATE TABLE deletions_read (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    cursor TEXT NOT NULL CHECK (cursor <> '')
);
