DROP TABLE signing_keys_revision;
DROP TABLE signing_keys;
