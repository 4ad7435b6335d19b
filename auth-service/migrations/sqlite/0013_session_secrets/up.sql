-- SHA-256 of the secrets in the cookie of a session of mode `session`; NULL in all other modes.
ALTER TABLE sessions ADD COLUMN secret BLOB CHECK (length(secret) = 32);
-- The one from before the current one, as long as nobody has presented the current one.
ALTER TABLE sessions ADD COLUMN previous_secret BLOB
    CHECK (length(previous_secret) = 32) CHECK (secret IS NOT NULL OR previous_secret IS NULL);
