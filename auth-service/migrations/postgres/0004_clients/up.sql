-- Services that may ask for tokens of their own.
CREATE TABLE clients (
    id TEXT COLLATE "C" PRIMARY KEY CHECK (length(id) BETWEEN 3 AND 41),
    -- base64url(SHA-256) of the secret.
    secret TEXT NOT NULL CHECK (length(secret) = 43),
    -- The secret from before the last rotation, and until when it is good.
    previous_secret TEXT CHECK (length(previous_secret) = 43),
    previous_secret_expires_at BIGINT,
    -- JSON arrays of names.
    grants TEXT NOT NULL,
    audiences TEXT NOT NULL,
    -- Words divided by spaces.
    scope TEXT NOT NULL,
    token_ttl_seconds BIGINT NOT NULL CHECK (token_ttl_seconds > 0),
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    CHECK ((previous_secret IS NULL) = (previous_secret_expires_at IS NULL))
);
