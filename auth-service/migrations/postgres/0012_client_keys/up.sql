-- A client has a secret, or keys of its own.
ALTER TABLE clients ALTER COLUMN secret DROP NOT NULL;
ALTER TABLE clients
    -- A JWK set: the public keys with which the client signs what it is known by.
    ADD COLUMN public_keys TEXT,
    -- Who the client is in a token's `aud`; its id where there is none.
    ADD COLUMN service TEXT,
    -- JSON array of names: which of a user's roles stay in a token that the client exchanges.
    ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clients
    ADD CHECK ((secret IS NULL) = (public_keys IS NOT NULL)),
    ADD CHECK (secret IS NOT NULL OR previous_secret IS NULL);

-- What clients with keys have signed and shown: nothing is taken twice while it would be good.
CREATE TABLE client_assertions (
    client_id TEXT COLLATE "C" NOT NULL,
    -- base64url(SHA-256) of `jti`.
    jti TEXT COLLATE "C" NOT NULL CHECK (length(jti) = 43),
    until_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, jti)
);

CREATE INDEX client_assertions_until_at ON client_assertions (until_at);
