//! What the scripts answer: an array of a word and what belongs to it. Anything else is refused.

use std::{str::FromStr, time::Duration, vec};

use redis::Value;

use super::{id, record::Record, revocations::revocation};
use crate::{
    domain::{
        ids::SessionId,
        session::{RevokedReason, Rotation},
        throttle::{Limit, Verdict},
    },
    ports::LogEntry,
};

/// The answer of a script.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// The session is stored, and these have ended for it.
    Created(Vec<SessionId>),
    /// These have to be announced before they can end for a new one.
    Unannounced(Vec<SessionId>),
    /// The user may have too many sessions: these. Which of them end can be told with their keys at hand.
    Crowded(Vec<SessionId>),
    /// The user has changed since the login read them.
    StaleEpoch,
    /// There is no such session, or its time is over.
    Gone,
    /// It was ended before its time.
    Revoked(RevokedReason),
    /// A used token came back. The record is as it was before that ended the session.
    Reuse(Record),
    /// Fresh tokens may be issued.
    Granted { rotation: Rotation, rolled_back: bool, record: Record },
    /// The session is known by the secret, or not. The record is as it is from now on.
    Secret { known: bool, record: Record },
    /// What became of each session.
    Changes(Vec<Change>),
    /// The sessions of a user that may be alive.
    Sessions(Vec<SessionId>),
    /// A record for each session; `None` where there is no such session.
    Records(Vec<Option<Record>>),
    /// The revocation log has what it was given.
    Appended,
    /// A part of the revocation log.
    Log { epoch: String, entries: Vec<LogEntry> },
    /// The revocation log has no such place.
    UnknownCursor,
    /// What becomes of an attempt.
    Verdict(Verdict),
    /// An attempt is settled.
    Settled,
    /// A key holds something that the script cannot work with.
    Damaged,
}

/// What became of a session that was to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is changed.
    Done,
    /// It is not alive, or not older than it had to be.
    NotDue,
    /// Its record cannot be worked with.
    Damaged,
}

impl Answer {
    /// `None` when the value is no answer of a script.
    pub(super) fn decode(value: Value) -> Option<Self> {
        let mut values = array(value)?.into_iter();
        let answer = match &*bytes(values.next()?)? {
            b"created" => Self::Created(each(&mut values, session_id)?),
            b"unannounced" => Self::Unannounced(each(&mut values, session_id)?),
            b"crowded" => Self::Crowded(each(&mut values, session_id)?),
            b"stale_epoch" => Self::StaleEpoch,
            b"gone" => Self::Gone,
            b"revoked" => Self::Revoked(parsed(values.next()?)?),
            b"reuse" => Self::Reuse(record(values.next()?)?),
            b"granted" => Self::Granted {
                rotation: rotation(values.next()?)?,
                rolled_back: flag(values.next()?)?,
                record: record(values.next()?)?,
            },
            b"known" => Self::Secret { known: true, record: record(values.next()?)? },
            b"unknown" => Self::Secret { known: false, record: record(values.next()?)? },
            b"changes" => Self::Changes(each(&mut values, change)?),
            b"sessions" => Self::Sessions(each(&mut values, session_id)?),
            b"records" => Self::Records(records(&mut values)?),
            b"appended" => Self::Appended,
            b"log" => Self::Log { epoch: text(values.next()?)?, entries: each(&mut values, log_entry)? },
            b"unknown_cursor" => Self::UnknownCursor,
            b"admitted" => {
                let reached = match text(values.next()?)?.as_str() {
                    "" => None,
                    word => Some(Limit::from_word(word)?),
                };
                Self::Verdict(Verdict::Admitted { reached })
            }
            b"refused" => Self::Verdict(Verdict::Refused {
                limit: Limit::from_word(&text(values.next()?)?)?,
                retry_after: Duration::from_micros(parsed(values.next()?)?),
            }),
            b"settled" => Self::Settled,
            b"damaged" => Self::Damaged,
            _ => return None,
        };
        values.next().is_none().then_some(answer)
    }
}

fn array(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    if let Value::BulkString(bytes) = value { Some(bytes) } else { None }
}

fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

fn parsed<T: FromStr>(value: Value) -> Option<T> {
    str::from_utf8(&bytes(value)?).ok()?.parse().ok()
}

fn session_id(value: Value) -> Option<SessionId> {
    id::read(&bytes(value)?).map(SessionId)
}

fn each<T>(values: &mut vec::IntoIter<Value>, decode: fn(Value) -> Option<T>) -> Option<Vec<T>> {
    values.map(decode).collect()
}

/// The contents of all fields.
fn record(value: Value) -> Option<Record> {
    let content = |value| if value == Value::Nil { Some(None) } else { bytes(value).map(Some) };
    Record::of(array(value)?.into_iter().map(content).collect::<Option<_>>()?)
}

fn records(values: &mut vec::IntoIter<Value>) -> Option<Vec<Option<Record>>> {
    let mut records = Vec::new();
    for value in values {
        records.push(if value == Value::Nil { None } else { Some(record(value)?) });
    }
    Some(records)
}

/// Place, kind, name, before, until.
fn log_entry(value: Value) -> Option<LogEntry> {
    let texts: Vec<String> = array(value)?.into_iter().map(text).collect::<Option<_>>()?;
    let [position, kind, name, before, until] = <[String; 5]>::try_from(texts).ok()?;
    Some(LogEntry { position, revocation: revocation(&kind, name, &before, &until)? })
}

fn rotation(value: Value) -> Option<Rotation> {
    match &*bytes(value)? {
        b"same" => Some(Rotation::Same),
        b"child" => Some(Rotation::Child),
        _ => None,
    }
}

fn flag(value: Value) -> Option<bool> {
    match &*bytes(value)? {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

fn change(value: Value) -> Option<Change> {
    match &*bytes(value)? {
        b"done" => Some(Change::Done),
        b"not_due" => Some(Change::NotDue),
        b"damaged" => Some(Change::Damaged),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::redis::fields::Field;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn contents() -> Vec<Value> {
        vec![bulk("content"); Field::ALL.len()]
    }

    fn granted(record: Vec<Value>) -> Value {
        Value::Array(vec![bulk("granted"), bulk("same"), bulk("no"), Value::Array(record)])
    }

    #[test]
    fn a_word_with_what_belongs_to_it_is_an_answer() {
        let mut values = contents();
        values[Field::Device as usize] = bulk("curl/8.5.0");
        values[Field::Address as usize] = Value::Nil;
        let mut record = vec![Some(b"content".to_vec()); Field::ALL.len()];
        record[Field::Device as usize] = Some(b"curl/8.5.0".to_vec());
        record[Field::Address as usize] = None;
        let record = Record::of(record).unwrap();
        let answer = Answer::Granted { rotation: Rotation::Same, rolled_back: false, record };
        assert_eq!(Answer::decode(granted(values)), Some(answer));
    }

    #[test]
    fn a_record_that_is_not_there_is_told_from_one_without_fields() {
        let empty = vec![Value::Nil; Field::ALL.len()];
        let value = Value::Array(vec![bulk("records"), Value::Nil, Value::Array(empty)]);
        let record = Record::of(vec![None; Field::ALL.len()]);
        assert!(record.is_some());
        assert_eq!(Answer::decode(value), Some(Answer::Records(vec![None, record])));
    }

    #[test]
    fn a_record_of_another_length_is_refused() {
        let (longer, shorter) = ([contents(), vec![bulk("more")]].concat(), contents()[1..].to_vec());
        for values in [longer, shorter, Vec::new()] {
            assert_eq!(Answer::decode(granted(values)), None);
        }
        let mut of_something_else = contents();
        of_something_else[0] = Value::Int(1);
        assert_eq!(Answer::decode(granted(of_something_else)), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for value in [
            Value::Nil,
            Value::Okay,
            Value::Int(1),
            bulk("created"),
            Value::Array(Vec::new()),
            Value::Array(vec![Value::SimpleString("created".to_owned())]),
            Value::Array(vec![bulk("created"), bulk("and more")]),
            Value::Array(vec![bulk("other")]),
            Value::Array(vec![bulk("revoked")]),
            Value::Array(vec![bulk("revoked"), bulk("whim")]),
            Value::Array(vec![bulk("reuse"), Value::Array(vec![bulk("one field of many")])]),
            Value::Array(vec![bulk("granted"), bulk("same"), bulk("perhaps"), Value::Array(contents())]),
            Value::Array(vec![bulk("known")]),
            Value::Array(vec![bulk("changes"), Value::Nil]),
            Value::Array(vec![bulk("sessions"), bulk("no id")]),
            Value::Array(vec![bulk("sessions"), bulk("01900000-0000-7000-8000-0000000000ff")]),
            Value::Array(vec![bulk("created"), bulk("AZAAAAAAcACAAAAAAAAA_x")]),
        ] {
            assert_eq!(Answer::decode(value.clone()), None, "{value:?}");
        }
    }
}
