//! Token exchange: a service that was sent a user's token gets one to act for that user elsewhere (RFC 8693).
//!
//! Everything only shrinks on the way: what the new token allows, the user's roles in it, and how long it lives. Whose
//! session it is, and when the user gave the password, stays; who has had it in the hands is added.

use std::iter;

use common::{
    claims::{ActorChain, UserClaims},
    clock::Timestamp,
    scope::Scope,
};

use super::client::{Client, Name};

/// What the client asks for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// What the token shall allow. When nothing is said: all of the user's token that the client may have.
    pub scope: Option<Scope>,
    /// Which services it shall be for. When none is named: all that the client's tokens may be for.
    pub audiences: Vec<String>,
}

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeRefusal {
    /// The token was sent to another service, and has come to the client by some other way.
    #[error("the subject token is not for this client")]
    NotForThisClient,
    /// It has gone through too many hands.
    #[error("the subject token has been exchanged too often")]
    TooManyActors,
    /// More is asked for than the user's token allows, or than the client may have.
    #[error("the scope is more than the subject token or the client may have")]
    InvalidScope,
    /// The client's tokens are not for a service that is named.
    #[error("the client's tokens are not for this audience")]
    InvalidTarget,
}

/// What the new token says of the user whose token is `subject`, as much as is left of that by now. Neither `iss` nor `jti`
/// is decided here.
pub fn decide_exchange(
    subject: &UserClaims,
    client: &Client,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<UserClaims, ExchangeRefusal> {
    let rights = &client.rights;
    if !is_sent_to(client, &subject.iss, &subject.aud) {
        return Err(ExchangeRefusal::NotForThisClient);
    }
    let act = ActorChain::taken_over(client.id.as_str(), subject.act.as_ref());
    let act = act.map_err(|_| ExchangeRefusal::TooManyActors)?;
    let both = subject.scope.common_with(&rights.scope);
    let scope = match &wanted.scope {
        Some(scope) if scope.is_within(&both) => scope.clone(),
        Some(_) => return Err(ExchangeRefusal::InvalidScope),
        None => both,
    };
    let stays = |role: &&String| rights.roles.iter().any(|kept| kept.as_str() == role.as_str());
    Ok(UserClaims {
        aud: iter::once(subject.iss.clone()).chain(audiences(&subject.iss, &rights.audiences, wanted)?).collect(),
        client_id: client.id.to_string(),
        exp: subject.exp.min((now + rights.token_ttl).seconds()),
        iat: now.seconds(),
        nbf: None,
        jti: String::new(),
        scope,
        roles: subject.roles.iter().filter(stays).cloned().collect(),
        act: Some(act),
        // No service holds it in a browser's cookie.
        csrf: None,
        ..subject.clone()
    })
}

/// Whether a token of this `iss` and `aud` was sent to the client's service. Every token names auth-service, so that name is
/// nobody else's.
#[must_use]
pub fn is_sent_to(client: &Client, iss: &str, aud: &[String]) -> bool {
    let service = client.rights.service.as_str();
    service != iss && aud.iter().any(|named| named == service)
}

/// The services beside auth-service.
fn audiences(issuer: &str, allowed: &[Name], wanted: &Wanted) -> Result<Vec<String>, ExchangeRefusal> {
    if wanted.audiences.is_empty() {
        return Ok(allowed.iter().map(Name::to_string).collect());
    }
    let mut named = Vec::new();
    for audience in wanted.audiences.iter().filter(|audience| *audience != issuer) {
        if !allowed.iter().any(|allowed| allowed.as_str() == audience) {
            return Err(ExchangeRefusal::InvalidTarget);
        }
        if !named.contains(audience) {
            named.push(audience.clone());
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::{claims::MOST_ACTORS, scope::Scope};
    use proptest::{collection::vec, prelude::*, sample::subsequence};
    use uuid::Uuid;

    use super::*;
    use crate::domain::client::{ClientKeys, Credential, Rights};

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn names(texts: &[&str]) -> Vec<Name> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn subject(scope: &str, roles: &[&str], lives_on: i64) -> UserClaims {
        UserClaims {
            iss: "issuer".to_owned(),
            aud: strings(&["issuer", "notes"]),
            sub: Uuid::from_u128(1),
            client_id: "first-party".to_owned(),
            exp: NOW.seconds() + lives_on,
            iat: NOW.seconds() - 60,
            nbf: Some(1),
            jti: "subject".to_owned(),
            sid: Uuid::from_u128(2),
            scope: scope.parse().unwrap(),
            roles: strings(roles),
            auth_time: NOW.seconds() - 600,
            act: None,
            csrf: Some("of the session".to_owned()),
        }
    }

    fn client(scope: &str, roles: &[&str], audiences: &[&str]) -> Client {
        Client {
            id: "notes-client".parse().unwrap(),
            credential: Credential::Keys(ClientKeys::stored(String::new())),
            rights: Rights {
                grants: Vec::new(),
                scope: scope.parse().unwrap(),
                service: "notes".parse().unwrap(),
                audiences: names(audiences),
                roles: names(roles),
                token_ttl: Duration::from_mins(5),
            },
            disabled: false,
            created_at: NOW,
        }
    }

    fn decide(subject: &UserClaims, client: &Client, wanted: &Wanted) -> Result<UserClaims, ExchangeRefusal> {
        decide_exchange(subject, client, wanted, NOW)
    }

    #[test]
    fn session_user_and_time_of_the_password_stay_and_the_rest_is_the_clients() {
        let (subject, client) = (subject("a b c", &["admin"], 900), client("b c d", &[], &["archive"]));
        let claims = decide(&subject, &client, &Wanted::default()).unwrap();
        let expected = UserClaims {
            aud: strings(&["issuer", "archive"]),
            client_id: "notes-client".to_owned(),
            exp: NOW.seconds() + 300,
            iat: NOW.seconds(),
            nbf: None,
            jti: String::new(),
            scope: "b c".parse().unwrap(),
            roles: Vec::new(),
            act: ActorChain::taken_over("notes-client", None).ok(),
            csrf: None,
            ..subject
        };
        assert_eq!(claims, expected);
    }

    #[test]
    fn a_token_for_another_service_is_not_exchanged() {
        let (mut subject, client) = (subject("a", &[], 900), client("a", &[], &[]));
        for aud in [vec!["issuer"], vec!["issuer", "notes-client"], vec!["issuer", "notes2"]] {
            subject.aud = strings(&aud);
            assert_eq!(
                decide(&subject, &client, &Wanted::default()),
                Err(ExchangeRefusal::NotForThisClient),
                "{aud:?}"
            );
        }
    }

    #[test]
    fn the_fifth_pair_of_hands_is_one_too_many() {
        let (mut subject, client) = (subject("a", &[], 900), client("a", &[], &["notes"]));
        for hands in 1..=MOST_ACTORS {
            subject = decide(&subject, &client, &Wanted::default()).unwrap();
            assert_eq!(subject.act.as_ref().unwrap().iter().count(), hands);
        }
        assert_eq!(decide(&subject, &client, &Wanted::default()), Err(ExchangeRefusal::TooManyActors));
    }

    #[test]
    fn only_audiences_of_the_client_are_named() {
        let (subject, client) = (subject("a", &[], 900), client("a", &[], &["archive", "mail"]));
        let wanting = |audiences: &[&str]| {
            let wanted = Wanted { scope: None, audiences: strings(audiences) };
            decide(&subject, &client, &wanted).map(|claims| claims.aud)
        };
        assert_eq!(wanting(&["mail", "mail"]), Ok(strings(&["issuer", "mail"])));
        assert_eq!(wanting(&["issuer"]), Ok(strings(&["issuer"])));
        assert_eq!(wanting(&["mail", "notes"]), Err(ExchangeRefusal::InvalidTarget));
        assert_eq!(wanting(&[""]), Err(ExchangeRefusal::InvalidTarget));
    }

    #[test]
    fn nobody_is_auth_service() {
        let (subject, mut client) = (subject("a", &[], 900), client("a", &[], &[]));
        client.rights.service = "issuer".parse().unwrap();
        assert_eq!(decide(&subject, &client, &Wanted::default()), Err(ExchangeRefusal::NotForThisClient));
    }

    fn words() -> impl Strategy<Value = Vec<&'static str>> {
        subsequence(vec!["a", "b", "c", "d"], 0..=4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_048))]

        #[test]
        fn nothing_grows(
            (of_user, of_client, wanted) in (words(), words(), prop::option::of(words())),
            (roles, kept) in (words(), words()),
            lives_on in 1_i64..3_600,
            actors in vec(Just("earlier"), 0..5),
        ) {
            let mut subject = subject(&of_user.join(" "), &roles, lives_on);
            subject.act = actors.iter().try_fold(None, |act: Option<ActorChain>, actor| {
                ActorChain::taken_over(actor, act.as_ref()).map(Some)
            }).unwrap_or_default();
            let client = client(&of_client.join(" "), &kept, &["archive"]);
            let scope = wanted.map(|words| words.join(" ").parse::<Scope>().unwrap());
            let wanted = Wanted { scope: scope.clone(), audiences: Vec::new() };
            match decide_exchange(&subject, &client, &wanted, NOW) {
                Ok(claims) => {
                    prop_assert!(claims.scope.is_within(&subject.scope) && claims.scope.is_within(&client.rights.scope));
                    prop_assert!(scope.is_none_or(|scope| scope == claims.scope));
                    for role in &claims.roles {
                        let role = role.as_str();
                        prop_assert!(roles.contains(&role) && kept.contains(&role));
                    }
                    prop_assert!(claims.exp <= subject.exp && claims.exp <= NOW.seconds() + 300);
                    let hands = |act: Option<&ActorChain>| act.map_or(0, |act| act.iter().count());
                    prop_assert_eq!(hands(claims.act.as_ref()), hands(subject.act.as_ref()) + 1);
                    prop_assert_eq!((claims.sub, claims.sid, claims.auth_time), (subject.sub, subject.sid, subject.auth_time));
                }
                Err(ExchangeRefusal::InvalidScope) => {
                    let scope = scope.unwrap();
                    prop_assert!(!(scope.is_within(&subject.scope) && scope.is_within(&client.rights.scope)));
                }
                Err(ExchangeRefusal::TooManyActors) => prop_assert_eq!(actors.len().min(4), 4),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
