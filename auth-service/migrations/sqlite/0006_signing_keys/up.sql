-- The keys that sign access tokens with a public-key algorithm. Where a key stands follows from its times: published
-- from `created_at`, signing from `activates_at` to `retires_at`, verified until `verify_until`, then deleted.
CREATE TABLE signing_keys (
    -- The thumbprint of the public key (RFC 7638). The public part itself is not stored: it is read off the private
    -- one, so that nobody who can only write here gets a key of theirs published.
    kid TEXT NOT NULL PRIMARY KEY CHECK (length(kid) = 43),
    algorithm TEXT NOT NULL,
    -- Nonce, AES-256-GCM of the PKCS#8 with `kid` and `algorithm` bound to it, tag.
    private_key BLOB NOT NULL,
    -- The name of the master key that it is encrypted under.
    master_kid TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    activates_at BIGINT NOT NULL,
    retires_at BIGINT,
    verify_until BIGINT,
    CHECK ((retires_at IS NULL) = (verify_until IS NULL))
);

-- One row, which every change to the keys raises: who has decided on older keys is told so.
CREATE TABLE signing_keys_revision (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    revision BIGINT NOT NULL
);

INSERT INTO signing_keys_revision (id, revision) VALUES (1, 0);
