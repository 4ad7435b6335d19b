DROP TABLE invites;
DROP TABLE users;
