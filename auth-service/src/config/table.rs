//! The one list of auth-service's settings: `.env.example` and the documentation are tested against it.

use common::{env::Setting, settings};

/// Auth-service's own settings.
pub(super) const OWN: &[Setting] = &[
    Setting {
        name: "OTEL_SERVICE_NAME",
        default: Some("auth-service"),
        secret: false,
        help: "What this service is called in traces.",
    },
    Setting {
        name: "REFRESH_SECRET",
        default: None,
        secret: true,
        help: "Signs refresh tokens; at least 32 bytes, not JWT_SECRET. Only auth-service has it.",
    },
    Setting { name: "REFRESH_SECRET_NEXT", default: None, secret: true, help: "Accepted already, signs nothing." },
    Setting { name: "REFRESH_SECRET_PREVIOUS", default: None, secret: true, help: "Accepted still, signs nothing." },
    Setting {
        name: "REFRESH_HOLD",
        default: Some("60s"),
        secret: false,
        help: "A refresh token younger than this is never promoted; longer than any answer takes to arrive.",
    },
    Setting {
        name: "REFRESH_IDLE_TTL",
        default: Some("30d"),
        secret: false,
        help: "A session that is not refreshed for so long ends.",
    },
    Setting {
        name: "REFRESH_ABSOLUTE_TTL",
        default: Some("90d"),
        secret: false,
        help: "A session ends so long after the login, used or not.",
    },
    Setting { name: "ACCESS_TTL", default: Some("15m"), secret: false, help: "How long an access token lives." },
    Setting {
        name: "ACCESS_ONLY_TTL",
        default: Some("1h"),
        secret: false,
        help: "How long the access token of mode `access_only` lives.",
    },
    Setting {
        name: "AUTH_SIGNING_ALGORITHM",
        default: Some("HS256"),
        secret: false,
        help: "What access tokens are signed with: `HS256` (JWT_SECRET), or a key of the store: `EdDSA`, `ES256`, `RS256`.",
    },
    Setting {
        name: "AUTH_MASTER_KEY",
        default: None,
        secret: true,
        help: "Encrypts the signing keys in the store: 32 bytes in base64url, from `auth-service key new-master`.",
    },
    Setting { name: "AUTH_MASTER_KEY_NEXT", default: None, secret: true, help: "Decrypts already, encrypts nothing." },
    Setting {
        name: "AUTH_MASTER_KEY_PREVIOUS",
        default: None,
        secret: true,
        help: "Decrypts still, encrypts nothing; needed until `auth-service key rewrap` is done.",
    },
    Setting {
        name: "AUTH_KEY_ROTATION",
        default: Some("30d"),
        secret: false,
        help: "How long a signing key signs before the next one takes over.",
    },
    Setting {
        name: "AUTH_JWKS_MAX_AGE",
        default: Some("5m"),
        secret: false,
        help: "How long verifiers may keep /.well-known/jwks.json; a key is published for longer than that before it signs.",
    },
    Setting {
        name: "REDIS_URL",
        default: None,
        secret: true,
        help: "Where sessions are kept: `redis://:password@host:6379/0` (`rediss://` for TLS), \
               `redis+cluster://user:password@host1:6379,host2:6379`, or `redis+sentinel://…:26379/name`. Unset: in the \
               database.",
    },
    Setting {
        name: "REDIS_DURABLE_LOGINS",
        default: Some("false"),
        secret: false,
        help: "Whether a login waits until Redis has written it to its disk, as revocations do where Redis is 7.2 or later.",
    },
    Setting {
        name: "AUTH_DATABASE_URL",
        default: None,
        secret: true,
        help: "Where users are kept: `sqlite:PATH` or `postgres://user:password@host/database`.",
    },
    Setting {
        name: "AUTH_MIGRATE",
        default: Some("true"),
        secret: false,
        help: "Whether `serve` migrates the database first.",
    },
    Setting {
        name: "AUTH_BIND",
        default: Some("0.0.0.0:8081"),
        secret: false,
        help: "The public listener, for the gateway.",
    },
    Setting {
        name: "AUTH_INTERNAL_BIND",
        default: Some("0.0.0.0:9081"),
        secret: false,
        help: "The internal listener: /livez, /readyz, /metrics.",
    },
    Setting {
        name: "AUTH_DRAIN_TIMEOUT",
        default: Some("20s"),
        secret: false,
        help: "At the end, requests in flight have this long to finish.",
    },
    Setting {
        name: "AUTH_TRUSTED_PROXIES",
        default: None,
        secret: false,
        help: "Networks whose X-Forwarded-For is believed, divided by commas. Unset: nobody's.",
    },
    Setting { name: "AUTH_BCRYPT_COST", default: Some("12"), secret: false, help: "bcrypt takes 2^cost rounds." },
    Setting {
        name: "AUTH_BCRYPT_QUEUE",
        default: Some("64"),
        secret: false,
        help: "So many passwords may wait for a thread; the next login gets 503.",
    },
    Setting {
        name: "AUTH_AUDIT_RETENTION",
        default: Some("90d"),
        secret: false,
        help: "How long audit events are kept in the database.",
    },
    Setting {
        name: "AUTH_AUDIT_ADDRESS_RETENTION",
        default: Some("30d"),
        secret: false,
        help: "How long the addresses in them are kept; `0s` keeps none for longer than a minute.",
    },
    Setting {
        name: "AUTH_REGISTRATION",
        default: Some("open"),
        secret: false,
        help: "Who may register: `open`, `invite` (with a code from `auth-service user invite`) or `closed`.",
    },
    Setting {
        name: "AUTH_LOGIN_MODES",
        default: Some("bearer,access_only,cookie,session"),
        secret: false,
        help: "How users may log in, divided by commas; `cookie` and `session` need an https JWT_ISSUER, or localhost.",
    },
    Setting {
        name: "AUTH_FIRST_PARTY_SCOPES",
        default: Some("notes:read notes:write"),
        secret: false,
        help: "What access tokens of users allow.",
    },
    Setting {
        name: "AUTH_FIRST_PARTY_AUDIENCES",
        default: Some("resource-service"),
        secret: false,
        help: "The services that access tokens of users are for, divided by commas.",
    },
];

/// Every setting that auth-service reads.
#[must_use]
pub fn settings() -> Vec<Setting> {
    [settings::TOKENS, settings::CORS, settings::LOG, settings::TRACES, OWN].concat()
}
