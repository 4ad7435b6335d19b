DROP TABLE sessions;
DROP TABLE session_epochs;
