//! What every token says, whatever else it says: from whom, for whom, about whom, and until when (RFC 7519, section 4.1).
//!
//! Read in the same pass that refuses repeated members, without a copy of anything.

use std::{fmt, slice};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{
    Expected, TokenError,
    strict_json::{Names, Unrepeated, UnrepeatedVisitor},
};

/// Checks that `claims` are an object without repeated members, and are from and for whom they should be.
pub(super) fn check(claims: &str, expected: &Expected) -> Result<(), TokenError> {
    let mut reader = serde_json::Deserializer::from_str(claims);
    let read = Registered(expected).deserialize(&mut reader).map_err(|_| TokenError::Malformed)?;
    reader.end().map_err(|_| TokenError::Malformed)?;
    read.check(expected)
}

/// The shapes of the claims that are looked at.
#[derive(Default)]
struct Shapes {
    issuer: Shape,
    audience: Shape,
    subject: Shape,
    end: Shape,
}

/// What a claim is, as far as it matters.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Absent, or nothing that it may be.
    #[default]
    Unfit,
    /// A text that is one of the accepted ones, or is not.
    Text { accepted: bool },
    /// A list of texts of which one is accepted, or none.
    Texts { accepted: bool },
    /// A number that can be a date.
    Date,
}

impl Shapes {
    fn check(&self, expected: &Expected) -> Result<(), TokenError> {
        let audience_counts = !expected.audiences.is_empty();
        let Shape::Text { accepted: issuer_is_accepted } = self.issuer else { return Err(TokenError::InvalidClaims) };
        let is_complete = matches!(self.subject, Shape::Text { .. })
            && self.end == Shape::Date
            && (!audience_counts || matches!(self.audience, Shape::Text { .. } | Shape::Texts { .. }));
        if !is_complete {
            return Err(TokenError::InvalidClaims);
        }
        if !issuer_is_accepted {
            return Err(TokenError::WrongIssuer);
        }
        let is_meant = matches!(self.audience, Shape::Text { accepted: true } | Shape::Texts { accepted: true });
        if audience_counts && !is_meant { Err(TokenError::WrongAudience) } else { Ok(()) }
    }
}

struct Registered<'a>(&'a Expected);

impl<'de> DeserializeSeed<'de> for Registered<'_> {
    type Value = Shapes;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shapes, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Registered<'_> {
    type Value = Shapes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without repeated members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shapes, A::Error> {
        let mut shapes = Shapes::default();
        let mut names = Names::default();
        while let Some(name) = names.next(&mut map)? {
            match &*name {
                "iss" => shapes.issuer = map.next_value_seed(Claim(slice::from_ref(&self.0.issuer)))?,
                "aud" => shapes.audience = map.next_value_seed(Claim(&self.0.audiences))?,
                "sub" => shapes.subject = map.next_value_seed(Claim(&[]))?,
                "exp" => shapes.end = map.next_value_seed(Claim(&[]))?,
                _ => {
                    map.next_value::<Unrepeated>()?;
                }
            }
        }
        Ok(shapes)
    }
}

/// The value of a claim, with the texts that are accepted for it.
struct Claim<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Claim<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Claim<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claim without repeated members")
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        Ok(Shape::Text { accepted: self.0.iter().any(|accepted| accepted == text) })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let (mut are_texts, mut is_accepted) = (true, false);
        while let Some(entry) = seq.next_element_seed(Self(self.0))? {
            are_texts &= matches!(entry, Shape::Text { .. });
            is_accepted |= entry == Shape::Text { accepted: true };
        }
        Ok(if are_texts { Shape::Texts { accepted: is_accepted } } else { Shape::Unfit })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Date)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Unfit)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Unfit)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Unfit)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Unfit)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shape, A::Error> {
        UnrepeatedVisitor.visit_map(map).map(|Unrepeated| Shape::Unfit)
    }
}
