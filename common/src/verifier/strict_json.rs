//! Refuses JSON in which a member is repeated: two readers could see two different tokens in it (RFC 8725, section 2.4).

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::TokenError;

/// Checks that `text` is JSON in which no object has the same member twice, at any depth.
pub(super) fn check(text: &str) -> Result<(), TokenError> {
    serde_json::from_str::<Unrepeated>(text).map(drop).map_err(|_| TokenError::Malformed)
}

/// Any JSON value in which no object has the same member twice, at any depth.
pub(super) struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnrepeatedVisitor)
    }
}

pub(super) struct UnrepeatedVisitor;

impl<'de> Visitor<'de> for UnrepeatedVisitor {
    type Value = Unrepeated;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unrepeated, A::Error> {
        let mut names = Names::default();
        while names.next(&mut map)?.is_some() {
            map.next_value::<Unrepeated>()?;
        }
        Ok(Unrepeated)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unrepeated, A::Error> {
        while seq.next_element::<Unrepeated>()?.is_some() {}
        Ok(Unrepeated)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }

    fn visit_unit<E>(self) -> Result<Unrepeated, E> {
        Ok(Unrepeated)
    }
}

/// So many members an object may have before their names are put into a set. Tokens have fewer.
const FEW: usize = 16;

/// The names of an object's members so far.
#[derive(Default)]
pub(super) struct Names<'de> {
    few: [&'de str; FEW],
    count: usize,
    /// Those beyond the first few, and those that are written with escapes.
    more: HashSet<Cow<'de, str>>,
}

impl<'de> Names<'de> {
    /// The name of the next member, unless there was one of this name already.
    pub fn next<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
        let Some(name) = map.next_key_seed(Name)? else { return Ok(None) };
        if self.has(&name) {
            return Err(A::Error::custom("repeated member"));
        }
        match (&name, self.few.get_mut(self.count)) {
            (Cow::Borrowed(name), Some(place)) => {
                *place = name;
                self.count += 1;
            }
            _ => {
                self.more.insert(name.clone());
            }
        }
        Ok(Some(name))
    }

    fn has(&self, name: &str) -> bool {
        self.few[..self.count].contains(&name) || !self.more.is_empty() && self.more.contains(name)
    }
}

/// Reads a name without a copy, where it is written without escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(names: impl IntoIterator<Item = String>) -> String {
        let members: Vec<_> = names.into_iter().map(|name| format!("\"{name}\":[{{\"a\":1}},{{\"a\":2}}]")).collect();
        format!("{{{}}}", members.join(","))
    }

    fn escaped(name: &str) -> String {
        let letters: Vec<_> = name.bytes().map(|letter| format!("\\u{letter:04x}")).collect();
        letters.concat()
    }

    #[test]
    fn a_name_that_comes_again_is_found_wherever_and_however_it_is_written() {
        for count in [1, FEW - 1, FEW, FEW + 1, 3 * FEW] {
            let names: Vec<_> = (0..count).map(|number| format!("name {number}")).collect();
            let all_escaped: Vec<_> = names.iter().map(|name| escaped(name)).collect();
            for members in [&names, &all_escaped] {
                assert_eq!(check(&object(members.clone())), Ok(()));
                for again in names.iter().chain(&all_escaped) {
                    let members = members.iter().chain([again]).cloned();
                    assert_eq!(check(&object(members.clone())), Err(TokenError::Malformed), "{again}");
                    assert_eq!(check(&object(members.rev())), Err(TokenError::Malformed), "{again} first");
                    let nested = format!("{{\"x\":[{}]}}", object([again.clone(), "y".to_owned(), again.clone()]));
                    assert_eq!(check(&nested), Err(TokenError::Malformed), "{again} inside");
                }
            }
        }
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for text in ["", "{}{}", "{} x", "{\"a\":1e999}", "{\"a\":\"\\ud800\"}", "{\"a\"}", "{\"a\":1,}"] {
            assert_eq!(check(text), Err(TokenError::Malformed), "{text}");
        }
    }
}
