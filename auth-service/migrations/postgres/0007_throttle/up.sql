-- Failed attempts, where there is no Redis. The keys are codes: neither names nor addresses are in here.
CREATE TABLE throttle_counters (
    id TEXT COLLATE "C" PRIMARY KEY CHECK (length(id) = 22),
    failures BIGINT NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
    -- The beginning of the window; of one address on one account, the last attempt; of a known address, the login.
    since_at BIGINT NOT NULL,
    delete_after BIGINT NOT NULL
);

CREATE INDEX throttle_counters_delete_after ON throttle_counters (delete_after);
