-- Times are microseconds since 1970. Ids sort by their bytes, which is the order in which notes were made.
CREATE TABLE notes (
    -- `sub` of the user's access tokens.
    owner_id TEXT COLLATE "C" NOT NULL CHECK (length(owner_id) = 36),
    id TEXT COLLATE "C" NOT NULL CHECK (length(id) = 36),
    title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    body TEXT NOT NULL CHECK (octet_length(body) <= 65536),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner_id, id)
);
