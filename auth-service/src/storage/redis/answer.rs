//! What the scripts answer: an array of a word and what belongs to it. Anything else is refused.

use std::{time::Duration, vec};

use redis::Value;

use super::{record::Record, revocations::revocation};
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
    /// A record for each session; without fields where there is no such session.
    Records(Vec<Record>),
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
        let answer = match text(values.next()?)?.as_str() {
            "created" => Self::Created(each(&mut values, session_id)?),
            "unannounced" => Self::Unannounced(each(&mut values, session_id)?),
            "crowded" => Self::Crowded(each(&mut values, session_id)?),
            "stale_epoch" => Self::StaleEpoch,
            "gone" => Self::Gone,
            "revoked" => Self::Revoked(text(values.next()?)?.parse().ok()?),
            "reuse" => Self::Reuse(record(values.next()?)?),
            "granted" => Self::Granted {
                rotation: rotation(values.next()?)?,
                rolled_back: flag(values.next()?)?,
                record: record(values.next()?)?,
            },
            "known" => Self::Secret { known: true, record: record(values.next()?)? },
            "unknown" => Self::Secret { known: false, record: record(values.next()?)? },
            "changes" => Self::Changes(each(&mut values, change)?),
            "sessions" => Self::Sessions(each(&mut values, session_id)?),
            "records" => Self::Records(each(&mut values, record)?),
            "appended" => Self::Appended,
            "log" => Self::Log { epoch: text(values.next()?)?, entries: each(&mut values, log_entry)? },
            "unknown_cursor" => Self::UnknownCursor,
            "admitted" => {
                let reached = match text(values.next()?)?.as_str() {
                    "" => None,
                    word => Some(Limit::from_word(word)?),
                };
                Self::Verdict(Verdict::Admitted { reached })
            }
            "refused" => Self::Verdict(Verdict::Refused {
                limit: Limit::from_word(&text(values.next()?)?)?,
                retry_after: Duration::from_micros(text(values.next()?)?.parse().ok()?),
            }),
            "settled" => Self::Settled,
            "damaged" => Self::Damaged,
            _ => return None,
        };
        values.next().is_none().then_some(answer)
    }
}

fn array(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

fn text(value: Value) -> Option<String> {
    if let Value::BulkString(bytes) = value { String::from_utf8(bytes).ok() } else { None }
}

fn session_id(value: Value) -> Option<SessionId> {
    text(value)?.parse().ok()
}

fn each<T>(values: &mut vec::IntoIter<Value>, decode: fn(Value) -> Option<T>) -> Option<Vec<T>> {
    values.map(decode).collect()
}

/// Names and contents of fields, by turns.
fn record(value: Value) -> Option<Record> {
    let mut values = array(value)?.into_iter();
    let mut record = Record::new();
    while let Some(name) = values.next() {
        record.insert(text(name)?, text(values.next()?)?);
    }
    Some(record)
}

/// Place, kind, name, before, until.
fn log_entry(value: Value) -> Option<LogEntry> {
    let texts: Vec<String> = array(value)?.into_iter().map(text).collect::<Option<_>>()?;
    let [position, kind, name, before, until] = <[String; 5]>::try_from(texts).ok()?;
    Some(LogEntry { position, revocation: revocation(&kind, name, &before, &until)? })
}

fn rotation(value: Value) -> Option<Rotation> {
    match text(value)?.as_str() {
        "same" => Some(Rotation::Same),
        "child" => Some(Rotation::Child),
        _ => None,
    }
}

fn flag(value: Value) -> Option<bool> {
    match text(value)?.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn change(value: Value) -> Option<Change> {
    match text(value)?.as_str() {
        "done" => Some(Change::Done),
        "not_due" => Some(Change::NotDue),
        "damaged" => Some(Change::Damaged),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn a_word_with_what_belongs_to_it_is_an_answer() {
        let record = Value::Array(vec![bulk("device"), bulk("curl/8.5.0")]);
        let value = Value::Array(vec![bulk("granted"), bulk("same"), bulk("no"), record]);
        let record = Record::from([("device".to_owned(), "curl/8.5.0".to_owned())]);
        let granted = Answer::Granted { rotation: Rotation::Same, rolled_back: false, record };
        assert_eq!(Answer::decode(value), Some(granted));
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
            Value::Array(vec![bulk("reuse"), Value::Array(vec![bulk("a field without content")])]),
            Value::Array(vec![bulk("granted"), bulk("same"), bulk("perhaps"), Value::Array(Vec::new())]),
            Value::Array(vec![bulk("known")]),
            Value::Array(vec![bulk("changes"), Value::Nil]),
            Value::Array(vec![bulk("sessions"), bulk("not-a-uuid")]),
        ] {
            assert_eq!(Answer::decode(value.clone()), None, "{value:?}");
        }
    }
}
