-- Times are microseconds since 1970. Ids sort by their bytes, which is the order of registration.
CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
    username TEXT NOT NULL UNIQUE CHECK (length(username) BETWEEN 3 AND 32),
    email TEXT UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    password TEXT NOT NULL CHECK (password <> ''),
    -- A JSON array of names.
    roles TEXT NOT NULL,
    disabled_at BIGINT,
    epoch BIGINT NOT NULL CHECK (epoch >= 0),
    created_at BIGINT NOT NULL
);

CREATE TABLE invites (
    -- base64url(SHA-256) of the code.
    code TEXT NOT NULL PRIMARY KEY CHECK (length(code) = 43),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    used_by TEXT,
    CHECK ((used_at IS NULL) = (used_by IS NULL))
);
