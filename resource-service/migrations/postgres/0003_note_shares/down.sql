DROP TABLE note_shares;
