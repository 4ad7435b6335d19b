//! How access tokens are signed: with the shared secret, or with keys of the store under a master key.

use std::{sync::Arc, time::Duration};

use common::{env::Env, verifier::LEEWAY};
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::{DAY, SECOND, Ttls};
use crate::{
    crypto::master_key::{MasterKey, MasterKeys},
    domain::signing_key::{KeyAlgorithm, KeyRules},
    service::longest_token,
    service::signing_keys::KeyPolicy,
};

#[derive(Deserialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the variables")]
struct Raw {
    auth_signing_algorithm: Option<String>,
    auth_master_key: Option<String>,
    auth_master_key_next: Option<String>,
    auth_master_key_previous: Option<String>,
    auth_key_rotation: Option<String>,
    auth_jwks_max_age: Option<String>,
}

/// How access tokens are signed.
pub(super) struct Signing {
    /// With what; `None` for HS256.
    algorithm: Option<KeyAlgorithm>,
    /// What the keys in the store are encrypted under. Without it there are none.
    pub masters: Option<Arc<MasterKeys>>,
    /// How long a key signs.
    rotation: Duration,
    /// How long the JWKS may be cached.
    pub jwks_max_age: Duration,
}

impl Signing {
    pub(super) fn read(env: &mut Env) -> Option<Self> {
        let raw: Raw = env.section();
        let algorithm = env.parse("AUTH_SIGNING_ALGORITHM", raw.auth_signing_algorithm, |text| match text {
            "HS256" => Ok(None),
            other => other.parse().map(Some).map_err(|_| "must be HS256, EdDSA, ES256 or RS256"),
        });
        let mut master = |name: &str, raw: Option<String>| env.parse_optional(name, raw, str::parse::<MasterKey>);
        let (current, others) = (
            master("AUTH_MASTER_KEY", raw.auth_master_key),
            [
                master("AUTH_MASTER_KEY_NEXT", raw.auth_master_key_next),
                master("AUTH_MASTER_KEY_PREVIOUS", raw.auth_master_key_previous),
            ],
        );
        let masters = current.map(|current| Arc::new(MasterKeys::new(current, others.into_iter().flatten())));
        if matches!(algorithm, Some(Some(_))) {
            env.required("AUTH_MASTER_KEY", masters.as_ref());
        }
        let rotation = env.duration("AUTH_KEY_ROTATION", raw.auth_key_rotation, (60 * SECOND, 3650 * DAY));
        let jwks_max_age = env.duration("AUTH_JWKS_MAX_AGE", raw.auth_jwks_max_age, (SECOND, DAY));
        Some(Self { algorithm: algorithm?, masters, rotation: rotation?, jwks_max_age: jwks_max_age? })
    }

    /// What access tokens say in `alg`, once the first key is known.
    pub(super) fn jws_algorithm(&self) -> Algorithm {
        self.algorithm.map_or(Algorithm::HS256, KeyAlgorithm::jws)
    }

    /// The life of the keys. `first_at_once`: HS256 is not accepted, so that nothing else signs before the first key.
    pub(super) fn policy(&self, ttls: Ttls, first_at_once: bool) -> KeyPolicy {
        let rules =
            KeyRules::new(self.rotation, self.jwks_max_age, longest_token(ttls.access, ttls.access_only), LEEWAY);
        KeyPolicy { algorithm: self.algorithm, first_at_once, rules }
    }
}
