//! Random forgeries: a good token, changed in its members, in its JSON, in its signature and in its text.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use jsonwebtoken::Algorithm;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Map, Value, json};

use crate::fixture::{Fixture, NOW, claims, encode, header_of, key_names};

/// A change to the members of an object.
#[derive(Debug, Clone)]
enum MemberEdit {
    Set(String, Value),
    Remove(Index),
    Rename(Index, String),
}

/// A change to a text.
#[derive(Debug, Clone)]
enum TextEdit {
    Insert(Index, Vec<u8>),
    Delete(Index, usize),
    Flip(Index, u8),
    Repeat(Index, usize),
}

/// How an object comes to be a part of the token.
#[derive(Debug, Clone)]
struct Part {
    members: Vec<MemberEdit>,
    /// Written once more at the end of the object.
    repeated: Option<(String, Value)>,
    pretty: bool,
    json: Vec<TextEdit>,
}

/// How a token comes about.
#[derive(Debug, Clone)]
pub struct Forgery {
    header: Part,
    claims: Part,
    /// Whose algorithm and name stand in the header.
    named: (Algorithm, String),
    signer: Algorithm,
    signature: Vec<TextEdit>,
    token: Vec<TextEdit>,
}

/// How an encrypted token comes about.
#[derive(Debug, Clone)]
pub struct Envelope {
    header: Part,
    nonce: [u8; 12],
    token: Vec<TextEdit>,
}

/// None as a rule, so that what is changed elsewhere is reached.
fn seldom<T: std::fmt::Debug + Clone + 'static>(edit: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Vec<T>> {
    prop_oneof![6 => Just(Vec::new()), 1 => vec(edit, 1..3)].boxed()
}

fn text_edit() -> impl Strategy<Value = TextEdit> {
    let inserted = prop_oneof![
        select(vec![".", "=", " ", "\n", "\0", "{", "}", "[", "\"", "\\", ",", "A", "-", "\u{feff}", "\\u0061"])
            .prop_map(|text| text.as_bytes().to_vec()),
        vec(any::<u8>(), 1..4),
    ];
    prop_oneof![
        (any::<Index>(), inserted).prop_map(|(at, bytes)| TextEdit::Insert(at, bytes)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| TextEdit::Delete(at, length)),
        (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| TextEdit::Flip(at, bits)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, length)| TextEdit::Repeat(at, length)),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "alg",
        "typ",
        "kid",
        "crit",
        "b64",
        "zip",
        "cty",
        "enc",
        "jku",
        "jwk",
        "x5u",
        "x5c",
        "x5t",
        "epk",
        "iss",
        "aud",
        "sub",
        "client_id",
        "exp",
        "iat",
        "nbf",
        "jti",
        "sid",
        "scope",
        "roles",
        "auth_time",
        "ext",
        "act",
        "x",
        "",
    ];
    prop_oneof![8 => select(known.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,12}"]
}

fn value() -> impl Strategy<Value = Value> {
    let texts =
        ["", "none", "HS256", "RS256", "at+jwt", "JWT", "notes", "../key", "ed", "rsa", "http://localhost:8080"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20..20_i64).prop_map(|seconds| json!(NOW.seconds() + seconds)),
        any::<f64>().prop_map(Value::from),
        select(texts.to_vec()).prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4).prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn part() -> impl Strategy<Value = Part> {
    let member = prop_oneof![
        2 => (name(), value()).prop_map(|(name, value)| MemberEdit::Set(name, value)),
        1 => any::<Index>().prop_map(MemberEdit::Remove),
        1 => (any::<Index>(), name()).prop_map(|(at, name)| MemberEdit::Rename(at, name)),
    ];
    let repeated = prop::option::weighted(0.1, (name(), value()));
    (prop_oneof![Just(Vec::new()), vec(member, 1..3)], repeated, any::<bool>(), seldom(text_edit()))
        .prop_map(|(members, repeated, pretty, json)| Part { members, repeated, pretty, json })
}

pub fn forgery() -> impl Strategy<Value = Forgery> {
    let signers = select(key_names().to_vec()).prop_flat_map(|named| {
        let another = select(key_names().map(|(algorithm, _)| algorithm).to_vec());
        let signer = prop_oneof![8 => Just(named.0), 1 => another];
        (Just(named), signer)
    });
    (part(), part(), signers, seldom(text_edit()), seldom(text_edit())).prop_map(
        |(header, claims, (named, signer), signature, token)| Forgery {
            header,
            claims,
            named,
            signer,
            signature,
            token,
        },
    )
}

pub fn envelope() -> impl Strategy<Value = Envelope> {
    (part(), any::<[u8; 12]>(), seldom(text_edit())).prop_map(|(header, nonce, token)| Envelope {
        header,
        nonce,
        token,
    })
}

impl Forgery {
    /// Signed over what it says, unless the signature is changed too.
    pub fn token(&self, fixture: &Fixture) -> String {
        let (algorithm, kid) = &self.named;
        let header = encode(self.header.written(header_of(&format!("{algorithm:?}"), kid)));
        let message = format!("{header}.{}", encode(self.claims.written(claims())));
        let signature = edited(fixture.sign(self.signer, &message), &self.signature);
        text(edited(format!("{message}.{}", encode(signature)).into_bytes(), &self.token))
    }
}

impl Envelope {
    /// `inner` encrypted under what the header says.
    pub fn token(&self, key: [u8; 32], kid: &str, inner: &str) -> String {
        let header = json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": kid});
        let header = encode(self.header.written(header));
        let mut sealed = inner.as_bytes().to_vec();
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let tag = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap())
            .seal_in_place_separate_tag(nonce, Aad::from(header.as_bytes()), &mut sealed)
            .unwrap();
        let token = format!("{header}..{}.{}.{}", encode(self.nonce), encode(sealed), encode(tag));
        text(edited(token.into_bytes(), &self.token))
    }
}

impl Part {
    fn written(&self, object: Value) -> Vec<u8> {
        let Value::Object(mut members) = object else { panic!("a part is an object") };
        for edit in &self.members {
            edit.apply(&mut members);
        }
        let object = Value::Object(members);
        let json = if self.pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        let mut json = json.unwrap();
        if let Some((name, value)) = &self.repeated {
            json = format!("{},{}:{value}}}", &json[..json.len() - 1], json!(name));
        }
        edited(json.into_bytes(), &self.json)
    }
}

impl MemberEdit {
    fn apply(&self, members: &mut Map<String, Value>) {
        let at = |index: &Index| (!members.is_empty()).then(|| members.keys().nth(index.index(members.len())).cloned());
        match self {
            Self::Set(name, value) => {
                members.insert(name.clone(), value.clone());
            }
            Self::Remove(index) => {
                if let Some(name) = at(index).flatten() {
                    members.remove(&name);
                }
            }
            Self::Rename(index, other) => {
                if let Some(value) = at(index).flatten().and_then(|name| members.remove(&name)) {
                    members.insert(other.clone(), value);
                }
            }
        }
    }
}

fn edited(mut bytes: Vec<u8>, edits: &[TextEdit]) -> Vec<u8> {
    for edit in edits {
        let size = bytes.len();
        let range = |at: &Index, length: usize| {
            let start = at.index(size + 1);
            start..size.min(start + length)
        };
        match edit {
            TextEdit::Insert(at, inserted) => {
                let start = range(at, 0).start;
                bytes.splice(start..start, inserted.iter().copied());
            }
            TextEdit::Delete(at, length) => {
                bytes.drain(range(at, *length));
            }
            TextEdit::Flip(at, bits) => {
                if let Some(byte) = bytes.get_mut(range(at, 1).start) {
                    *byte ^= bits;
                }
            }
            TextEdit::Repeat(at, length) => {
                let range = range(at, *length);
                let (end, again) = (range.end, bytes[range].to_vec());
                bytes.splice(end..end, again);
            }
        }
    }
    bytes
}

/// As a service gets it: a header's value is text.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
