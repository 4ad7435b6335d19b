-- Whom a note is shown to beside its owner. A share goes with its note.
CREATE TABLE note_shares (
    -- `sub` of the user who may read it.
    user_id TEXT COLLATE "C" NOT NULL CHECK (length(user_id) = 36),
    note_id TEXT COLLATE "C" NOT NULL,
    owner_id TEXT COLLATE "C" NOT NULL,
    -- As the user went by it when the note was shared.
    username TEXT NOT NULL,
    shared_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, note_id),
    FOREIGN KEY (owner_id, note_id) REFERENCES notes (owner_id, id) ON DELETE CASCADE,
    CHECK (user_id <> owner_id)
);

CREATE INDEX note_shares_note ON note_shares (owner_id, note_id);
