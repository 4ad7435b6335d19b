-- Sessions of modes that there were not cannot be kept.
DELETE FROM sessions WHERE mode IN ('cookie', 'session');
ALTER TABLE sessions DROP COLUMN previous_secret, DROP COLUMN secret;
