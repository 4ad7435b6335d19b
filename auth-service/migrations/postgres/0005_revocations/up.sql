-- What was revoked lately, in the order of the commits, for services that mirror it. Rows go once no token lives that
-- they could be about; the newest one stays.
CREATE TABLE revocations (
    id BIGINT PRIMARY KEY CHECK (id > 0),
    -- sid, jti, client or kid.
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Tokens issued before this second are revoked; all of them where there is none.
    before_seconds BIGINT,
    until_at BIGINT NOT NULL
);

CREATE INDEX revocations_until_at ON revocations (until_at);

-- One row. Whoever adds to the log changes it in the same transaction, so that ids are in the order of the commits.
CREATE TABLE revocation_log (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    -- Another one where this is not the log that a cursor was about.
    epoch TEXT NOT NULL,
    last_id BIGINT NOT NULL CHECK (last_id >= 0)
);

INSERT INTO revocation_log (id, epoch, last_id) VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0);
