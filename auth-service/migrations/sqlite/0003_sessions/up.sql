-- The session store. It may be used with users that live elsewhere, so nothing here refers to `users`.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    user_id TEXT NOT NULL CHECK (length(user_id) = 36),
    -- The user's epoch that it was made under, or that it was last kept or changed under.
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    -- Raised by every change that a refresh decides on or answers with; a refresh names the one it has read.
    version BIGINT NOT NULL CHECK (version >= 0),
    current_token TEXT NOT NULL CHECK (length(current_token) = 22),
    generation BIGINT NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    -- A JSON array of names.
    roles TEXT NOT NULL,
    client_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    absolute_expires_at BIGINT NOT NULL,
    idle_expires_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    device TEXT NOT NULL,
    address TEXT,
    revoked_reason TEXT,
    -- The earlier of the two expiries, rounded up to a whole day, so that the index rests from one refresh to the next.
    delete_after BIGINT NOT NULL CHECK (delete_after >= min(absolute_expires_at, idle_expires_at))
);

CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_delete_after ON sessions (delete_after);

-- The newest change to a user that this store has heard of. No session is created under an older epoch.
CREATE TABLE session_epochs (
    user_id TEXT NOT NULL PRIMARY KEY CHECK (length(user_id) = 36),
    epoch BIGINT NOT NULL CHECK (epoch >= 0)
);
