-- Users who were deleted at auth-service, for as long as a token of theirs could bring a note back.
CREATE TABLE forgotten_users (
    user_id TEXT COLLATE "C" PRIMARY KEY CHECK (length(user_id) = 36),
    forgotten_at BIGINT NOT NULL
);

CREATE INDEX forgotten_users_forgotten_at ON forgotten_users (forgotten_at);

-- At most one row: how far the list of deleted users has been read.
CREATE TABLE deletions_read (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    cursor TEXT NOT NULL CHECK (length(cursor) = 36)
);
