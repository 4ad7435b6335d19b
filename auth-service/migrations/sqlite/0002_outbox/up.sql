-- What changes to users mean for their sessions, until it has been applied to the session store. A change locks its
-- user's row first, so the ids of one user's effects are in the order of their commits.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL,
    epoch BIGINT NOT NULL CHECK (epoch > 0),
    -- JSON, tagged by `kind`.
    effect TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX outbox_user_id ON outbox (user_id);
