//! What a session's hash in Redis holds: the fields, what they are called there, and the order that scripts answer in.
//!
//! A name is one letter where most records have the field, or many: with three, a usual record would not fit into 192 bytes, and
//! the next larger block of memory has 224. `redis-cli HGETALL 'lk:{<user>}:s:<session>'` shows these; all are text, times are microseconds
//! since the epoch, ids 22 characters of base64url.
//!
//! | field | what it is | without it |
//! |---|---|---|
//! | `c` | `jti` of the current refresh token | damaged |
//! | `g` | its generation | damaged |
//! | `l` | when the session was last seen | damaged |
//! | `u` | when it ends unless it is used before | damaged |
//! | `x` | when it ends, used or not | damaged |
//! | `i` | when it began | damaged |
//! | `m` | its mode | damaged |
//! | `a` | the client (`azp`) | damaged |
//! | `s` | the scope | damaged |
//! | `d` | the device; empty where the user is gone | damaged |
//! | `n` | the address that the login came from | not known; also where it is empty |
//! | `e` | the epoch of the user that it belongs to | 0, older than any change |
//! | `r` | the roles, divided by spaces | none; also where it is empty |
//! | `t` | when the user last gave the password (`auth_time`) | when it began |
//! | `rev` | why it was ended before its time | it was not |
//! | `sec` | SHA-256 of the secret in its cookie, base64url | it has no secret: damaged in mode `session`, and only there |
//! | `old` | the same of the secret before | there is none; also where it is empty |

macro_rules! fields {
    ($($field:ident $name:literal $constant:literal,)+) => {
        /// A field; as a number, its position in a record.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field {
            $($field),+
        }

        impl Field {
            /// All of them, in the order of their positions.
            pub(super) const ALL: &[Self] = &[$(Self::$field),+];

            /// What it is called in Redis.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $name),+
                }
            }

            /// What scripts call its position.
            const fn constant(self) -> &'static str {
                match self {
                    $(Self::$field => $constant),+
                }
            }
        }
    };
}

fields! {
    Current "c" "CURRENT",
    Generation "g" "GENERATION",
    LastSeen "l" "LAST_SEEN",
    IdleExpiry "u" "IDLE_EXPIRY",
    AbsoluteExpiry "x" "ABSOLUTE_EXPIRY",
    CreatedAt "i" "CREATED_AT",
    Mode "m" "MODE",
    ClientId "a" "CLIENT_ID",
    Scope "s" "SCOPE",
    Device "d" "DEVICE",
    Address "n" "ADDRESS",
    Epoch "e" "EPOCH",
    Roles "r" "ROLES",
    AuthenticatedAt "t" "AUTHENTICATED_AT",
    Revoked "rev" "REVOKED",
    Secret "sec" "SECRET",
    PreviousSecret "old" "PREVIOUS_SECRET",
}

/// What a script about sessions begins with: the position of each field, such as `EPOCH`, and the list `NAMES`.
pub(super) fn as_lua() -> String {
    let listed = |each: fn(Field) -> String| Field::ALL.iter().map(|field| each(*field)).collect::<Vec<_>>().join(", ");
    format!(
        "local {} = {}\nlocal NAMES = {{ {} }}\n\n",
        listed(|field| field.constant().to_owned()),
        listed(|field| (field as usize + 1).to_string()),
        listed(|field| format!("'{}'", field.name())),
    )
}
