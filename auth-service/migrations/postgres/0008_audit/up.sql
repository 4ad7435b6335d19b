-- What happened that matters to security. It outlives users, sessions and clients, so nothing here refers to them.
CREATE TABLE audit_events (
    -- UUIDv7: in the order in which things happened.
    id TEXT COLLATE "C" PRIMARY KEY CHECK (length(id) = 36),
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- `user:<id>`, `client:<id>`, `anonymous`, `operator` or `system`.
    actor TEXT COLLATE "C" NOT NULL,
    -- The user it happened to.
    subject_id TEXT COLLATE "C",
    session_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    -- Erased long before the row goes.
    address TEXT,
    -- A JSON object of texts.
    detail TEXT NOT NULL
);

CREATE INDEX audit_events_at ON audit_events (at);
CREATE INDEX audit_events_subject_id ON audit_events (subject_id, id);
CREATE INDEX audit_events_actor ON audit_events (actor, id);
CREATE INDEX audit_events_with_address ON audit_events (at) WHERE address IS NOT NULL;
