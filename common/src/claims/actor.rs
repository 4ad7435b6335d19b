//! `act`: the services through whose hands a user's token has gone (RFC 8693, section 4.1).

use std::slice;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// So many services may act for a user one behind the other.
pub const MOST_ACTORS: usize = 4;

/// The services that act for a user: first the one that holds the token, last the one that took it over from the user.
/// Only the first counts when something is allowed; the others say how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct ActorChain(Vec<String>);

#[derive(Serialize)]
struct Link<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Box<Link<'a>>>,
}

/// More services act one behind the other than [`MOST_ACTORS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MOST_ACTORS} services act one behind the other")]
pub struct TooManyActors;

impl ActorChain {
    /// `actor` takes over from the user, or from the one who has acted `before`.
    pub fn taken_over(actor: &str, before: Option<&Self>) -> Result<Self, TooManyActors> {
        let before = before.map_or(&[][..], |chain| &chain.0);
        if before.len() >= MOST_ACTORS {
            return Err(TooManyActors);
        }
        Ok(Self([slice::from_ref(&actor.to_owned()), before].concat()))
    }

    /// From the one that holds the token to the one that took it over from the user.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// It is not a name with another one behind it, and so on, [`MOST_ACTORS`] at most and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actors cannot be understood")]
pub struct InvalidActors;

/// By hand: what serde derives would take lists for objects, and pass over what it does not know.
impl TryFrom<Map<String, Value>> for ActorChain {
    type Error = InvalidActors;

    fn try_from(outermost: Map<String, Value>) -> Result<Self, InvalidActors> {
        let mut chain = Vec::new();
        let mut next = Some(outermost);
        while let Some(mut link) = next {
            let Some(Value::String(sub)) = link.remove("sub") else { return Err(InvalidActors) };
            next = match link.remove("act") {
                None => None,
                Some(Value::Object(before)) => Some(before),
                Some(_) => return Err(InvalidActors),
            };
            if !link.is_empty() || chain.len() == MOST_ACTORS {
                return Err(InvalidActors);
            }
            chain.push(sub);
        }
        Ok(Self(chain))
    }
}

impl Serialize for ActorChain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nested =
            self.0.iter().rev().fold(None, |act: Option<Box<Link<'_>>>, sub| Some(Box::new(Link { sub, act })));
        nested.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chain(actors: &[&str]) -> ActorChain {
        actors.iter().rev().fold(None, |before, actor| ActorChain::taken_over(actor, before.as_ref()).ok()).unwrap()
    }

    #[test]
    fn the_newest_actor_is_outermost() {
        let nested = json!({"sub": "mailer", "act": {"sub": "reports", "act": {"sub": "notes"}}});
        assert_eq!(serde_json::to_value(chain(&["mailer", "reports", "notes"])).unwrap(), nested);
        assert_eq!(serde_json::from_value::<ActorChain>(nested).unwrap(), chain(&["mailer", "reports", "notes"]));
    }

    #[test]
    fn four_are_the_most() {
        let four = chain(&["d", "c", "b", "a"]);
        assert_eq!(ActorChain::taken_over("e", Some(&four)), Err(TooManyActors));
        let five = json!({"sub": "e", "act": four});
        assert!(serde_json::from_value::<ActorChain>(five).is_err());
    }

    #[test]
    fn an_actor_has_a_name() {
        for text in [
            json!({}),
            json!({"sub": 1}),
            json!("reports"),
            json!({"sub": "a", "act": {}}),
            json!({"sub": "a", "act": null}),
            json!({"sub": "a", "iss": "b"}),
            json!(null),
        ] {
            assert!(serde_json::from_value::<ActorChain>(text.clone()).is_err(), "{text}");
        }
    }
}
