-- Until when a temporary password may be replaced by one of the user's own; NULL where the password is the user's own.
ALTER TABLE users ADD COLUMN password_expires_at BIGINT;
