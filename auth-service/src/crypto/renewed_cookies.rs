//! The cookie that follows another one of the same session. Two that ask at once, or one that asks again because it has not heard the
//! answer, get the same: otherwise the one that is stored last would be good, and the browser might keep the other one.

use aws_lc_rs::hmac;
use common::secret::{Rolling, SecretSet};

use crate::domain::session_cookie::SessionCookie;

/// Makes cookies that follow others, each with one of these keys. Other replicas may make them with any.
pub struct RenewedCookies(Rolling<hmac::Key>);

impl RenewedCookies {
    /// With keys derived from `own`, which only auth-service has: whoever has seen a cookie does not know the next one.
    #[must_use]
    pub fn new(own: &SecretSet) -> Self {
        let label = b"latchkey session cookie";
        Self(own.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, &secret.derive(label))))
    }

    /// The cookie after `old`.
    #[must_use]
    pub fn after(&self, old: &SessionCookie) -> SessionCookie {
        following(&self.0.current, old)
    }

    /// The same, and those that a replica gives out while the secret is changed.
    pub fn all_after<'a>(&'a self, old: &'a SessionCookie) -> impl Iterator<Item = SessionCookie> + 'a {
        self.0.iter().map(move |key| following(key, old))
    }
}

fn following(key: &hmac::Key, old: &SessionCookie) -> SessionCookie {
    let tag = hmac::sign(key, old.secret());
    let mut secret = [0; 32];
    secret.copy_from_slice(tag.as_ref());
    old.with_secret(secret)
}

#[cfg(test)]
mod tests {
    use common::{rng::SystemRng, secret::SigningSecret};
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{SessionId, UserId};

    fn secret(letter: &str) -> SigningSecret {
        SigningSecret::new(letter.repeat(32).into()).unwrap()
    }

    fn cookies(letter: &str) -> RenewedCookies {
        RenewedCookies::new(&SecretSet::only(secret(letter)))
    }

    #[test]
    fn one_cookie_has_one_that_follows() {
        let first = SessionCookie::new(UserId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)), &SystemRng);
        let second = cookies("a").after(&first);
        assert_eq!(cookies("a").after(&first), second);
        assert_eq!((second.user, second.session), (first.user, first.session));
        let others = [first.clone(), second.clone(), cookies("b").after(&first)];
        let changed = SecretSet { previous: Some(secret("a")), ..SecretSet::only(secret("b")) };
        assert!(RenewedCookies::new(&changed).all_after(&first).eq([cookies("b").after(&first), second.clone()]));
        assert!(!others[1..].contains(&first) && cookies("a").after(&second) != second && others[2] != second);
    }
}
