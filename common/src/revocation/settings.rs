//! How a service follows the revocation feed, from its settings.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;
use serde::Deserialize;

use super::mirror::{Policy, WhenCold, WhenStale};
use crate::{
    env::{Env, Setting},
    outbound::http_url,
    service_client::ServiceClientSettings,
};

/// The settings, beside those of [`SERVICE_CLIENT`](crate::service_client::SERVICE_CLIENT).
pub const REVOCATION: &[Setting] = &[
    Setting {
        name: "REVOCATION_FEED_URL",
        default: None,
        secret: false,
        help: "auth-service's `/internal/revocations`, on its internal listener. Unset: tokens are good until they expire.",
    },
    Setting {
        name: "REVOCATION_MAX_STALENESS",
        default: Some("60s"),
        secret: false,
        help: "After so long without a word from the feed, REVOCATION_STALE decides.",
    },
    Setting {
        name: "REVOCATION_STALE",
        default: Some("serve"),
        secret: false,
        help: "`serve`: go on with what is known. `refuse`: answer 503 to every token.",
    },
    Setting {
        name: "REVOCATION_COLD_START",
        default: Some("refuse"),
        secret: false,
        help: "Before the first word from the feed: `refuse` answers 503 to every token, `serve` accepts what is right in itself.",
    },
    Setting {
        name: "REVOCATION_STATE_FILE",
        default: None,
        secret: false,
        help: "Where the mirror is kept, so that a restart while auth-service is away starts with what was known.",
    },
];

#[derive(Deserialize, Default)]
#[expect(clippy::struct_field_names, reason = "the names are those of the variables")]
struct Raw {
    revocation_feed_url: Option<String>,
    revocation_max_staleness: Option<String>,
    revocation_stale: Option<String>,
    revocation_cold_start: Option<String>,
    revocation_state_file: Option<String>,
}

/// What a service follows, and how.
#[derive(Debug, Clone)]
pub struct RevocationSettings {
    /// auth-service's `/internal/revocations`.
    pub feed_url: Url,
    /// The service as a client.
    pub client: ServiceClientSettings,
    /// How much the mirror is trusted.
    pub policy: Policy,
    /// Where the mirror is kept.
    pub state_file: Option<PathBuf>,
}

impl RevocationSettings {
    /// Reads the section: `Some(None)` where no feed is followed, `None` when something in it was rejected.
    pub fn read(env: &mut Env) -> Option<Option<Self>> {
        let raw: Raw = env.section();
        let bounds = (Duration::from_secs(2), Duration::from_hours(24));
        let max_staleness = env.duration("REVOCATION_MAX_STALENESS", raw.revocation_max_staleness, bounds);
        let when_stale = env.parse("REVOCATION_STALE", raw.revocation_stale, |text| match text {
            "serve" => Ok(WhenStale::Serve),
            "refuse" => Ok(WhenStale::Refuse),
            _ => Err("must be serve or refuse"),
        });
        let when_cold = env.parse("REVOCATION_COLD_START", raw.revocation_cold_start, |text| match text {
            "serve" => Ok(WhenCold::Serve),
            "refuse" => Ok(WhenCold::Refuse),
            _ => Err("must be serve or refuse"),
        });
        let policy =
            (|| Some(Policy { max_staleness: max_staleness?, when_stale: when_stale?, when_cold: when_cold? }))();
        if raw.revocation_feed_url.is_none() {
            return policy.map(|_| None);
        }
        let feed_url = env.parse("REVOCATION_FEED_URL", raw.revocation_feed_url, address);
        let client = ServiceClientSettings::read(env);
        Some(Some(Self {
            feed_url: feed_url?,
            client: client?,
            policy: policy?,
            state_file: raw.revocation_state_file.map(PathBuf::from),
        }))
    }
}

fn address(text: &str) -> Result<Url, &'static str> {
    http_url(text).ok_or("must be an http or https address")
}
