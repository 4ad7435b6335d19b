-- A client has a secret, or keys of its own. SQLite cannot take a NOT NULL away, so the table is made anew.
CREATE TABLE clients_with_keys (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 3 AND 41),
    -- base64url(SHA-256) of the secret.
    secret TEXT CHECK (length(secret) = 43),
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
    -- A JWK set: the public keys with which the client signs what it is known by.
    public_keys TEXT,
    -- Who the client is in a token's `aud`; its id where there is none.
    service TEXT,
    -- JSON array of names: which of a user's roles stay in a token that the client exchanges.
    roles TEXT NOT NULL DEFAULT '[]',
    CHECK ((previous_secret IS NULL) = (previous_secret_expires_at IS NULL)),
    CHECK ((secret IS NULL) = (public_keys IS NOT NULL)),
    CHECK (secret IS NOT NULL OR previous_secret IS NULL)
);
INSERT INTO clients_with_keys (
    id, secret, previous_secret, previous_secret_expires_at, grants, audiences, scope, token_ttl_seconds, disabled_at,
    created_at
)
SELECT
    id, secret, previous_secret, previous_secret_expires_at, grants, audiences, scope, token_ttl_seconds, disabled_at,
    created_at
FROM clients;
DROP TABLE clients;
ALTER TABLE clients_with_keys RENAME TO clients;

-- What clients with keys have signed and shown: nothing is taken twice while it would be good.
CREATE TABLE client_assertions (
    client_id TEXT NOT NULL,
    -- base64url(SHA-256) of `jti`.
    jti TEXT NOT NULL CHECK (length(jti) = 43),
    until_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, jti)
);

CREATE INDEX client_assertions_until_at ON client_assertions (until_at);
