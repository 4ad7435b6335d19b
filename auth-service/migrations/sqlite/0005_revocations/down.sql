DROP TABLE revocations;
DROP TABLE revocation_log;
