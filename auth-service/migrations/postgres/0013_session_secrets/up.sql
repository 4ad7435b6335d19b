-- SHA-256 of the secrets in the cookie of a session of mode `session`; NULL in all other modes.
ALTER TABLE sessions
    ADD COLUMN secret BYTEA CHECK (octet_length(secret) = 32),
    -- The one from before the current one, as long as nobody has presented the current one.
    ADD COLUMN previous_secret BYTEA CHECK (octet_length(previous_secret) = 32);
ALTER TABLE sessions ADD CHECK (secret IS NOT NULL OR previous_secret IS NULL);
