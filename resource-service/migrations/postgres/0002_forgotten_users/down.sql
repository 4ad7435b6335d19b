DROP TABLE deletions_read;
DROP TABLE forgotten_users;
