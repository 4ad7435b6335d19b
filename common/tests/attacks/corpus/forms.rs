//! Texts that are not a token in compact form, made of one that is.

use base64::{Engine, engine::general_purpose::STANDARD};
use common::{jwe::JweKey, rng::SystemRng, verifier::MAX_TOKEN_BYTES};
use serde_json::json;

use super::Case;
use crate::fixture::{claims, encode, header, hs256, secret, signed};

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub fn cases() -> Vec<Case> {
    let good = signed(header().to_string(), claims().to_string());
    let texts =
        [parts(&good), additions(&good), encodings(&good), resigned(&good), json_forms(&good), encrypted(&good)]
            .concat();
    let mut cases: Vec<_> = texts
        .into_iter()
        .map(|text| Case::new(format!("text {}", text.chars().take(50).collect::<String>()), text))
        .collect();
    cases.extend(sizes());
    cases
}

fn split(good: &str) -> [&str; 3] {
    good.split('.').collect::<Vec<_>>().try_into().unwrap()
}

fn parts(good: &str) -> Vec<String> {
    let [header, claims, signature] = split(good);
    let mut texts = vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "....".to_owned(),
        header.to_owned(),
        format!("{header}."),
        format!("{header}.."),
        format!(".{claims}."),
        format!("..{signature}"),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}.{signature}.{claims}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{good}.{good}"),
        format!("{header}.{claims}.{signature}.{signature}.{signature}"),
        good.replace('.', ".."),
        good.replace('.', ","),
        good.replace('.', "%2E"),
        good.replace('.', "。"),
        good.replace('.', ""),
        format!("{header}.{header}.{signature}"),
    ];
    texts.extend([1, 2, 3, 5, 10, 43].map(|cut| good[..good.len() - cut].to_owned()));
    texts.extend([1, 2, 3, 5, 10].map(|cut| good[cut..].to_owned()));
    texts
}

fn additions(good: &str) -> Vec<String> {
    let [header, claims, signature] = split(good);
    let additions = [
        " ", "\t", "\n", "\r\n", "\u{0}", "\u{a0}", "\u{200b}", "\u{feff}", "=", "==", "A", "+", "/", "!", "%", "\"",
        "'", ",", ";", "é",
    ];
    additions
        .into_iter()
        .flat_map(|it| {
            [
                format!("{it}{good}"),
                format!("{good}{it}"),
                format!("{header}{it}.{claims}.{signature}"),
                format!("{header}.{it}{claims}.{signature}"),
                format!("{header}.{claims}{it}.{signature}"),
                format!("{header}.{claims}.{it}{signature}"),
            ]
        })
        .chain(["Bearer ", "bearer:", "JWT "].map(|start| format!("{start}{good}")))
        .collect()
}

/// Other texts for the same bytes: what is signed would be the same, what is compared would not.
fn encodings(good: &str) -> Vec<String> {
    let [header, claims, signature] = split(good);
    let standard = |part: &str| STANDARD.encode(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut texts: Vec<_> = stray(signature, 4).into_iter().map(|other| format!("{header}.{claims}.{other}")).collect();
    texts.extend([
        format!("{header}.{claims}.{}", standard(signature)),
        format!("{header}.{claims}.{signature}="),
        format!("{}.{claims}.{signature}", encode(header)),
        format!("{header}.{}.{signature}", encode(claims)),
        format!("{header}.{claims}.{}", encode(signature)),
        encode(good),
        good.to_uppercase(),
        good.to_lowercase(),
        good.chars().rev().collect(),
    ]);
    texts
}

/// The same with other bits in the last character, which has `room` values for one value of the bits that count.
fn stray(part: &str, room: usize) -> Vec<String> {
    let (start, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.find(last).unwrap();
    let others = (0..room).map(|bits| value / room * room + bits).filter(|other| *other != value);
    others.map(|other| format!("{start}{}", &ALPHABET[other..=other])).collect()
}

/// Header or claims that are not in canonical base64url, under a signature that is right for the text as it stands.
fn resigned(good: &str) -> Vec<String> {
    let [header, claims, _] = split(good);
    let spoiled = |part: &str| {
        let mut texts: Vec<_> = ["=", "==", " ", "\n", "\u{0}", "A", "+", "/", "%3D", "!"]
            .iter()
            .flat_map(|it| [format!("{part}{it}"), format!("{it}{part}"), format!("{}{it}{}", &part[..8], &part[8..])])
            .collect();
        texts.push(encode(part));
        texts
    };
    // One and two bytes over a multiple of three leave four and two bits without a meaning.
    let ending = |json: &str, over: usize| {
        let spaces = (0..3).find(|spaces| (json.len() + spaces) % 3 == over).unwrap();
        encode(format!("{json}{}", " ".repeat(spaces)))
    };
    let (header_json, claims_json) = (crate::fixture::header().to_string(), crate::fixture::claims().to_string());
    let stray = |json: &str| [stray(&ending(json, 1), 16), stray(&ending(json, 2), 4)].concat();
    let headers = [spoiled(header), stray(&header_json)].concat().into_iter().map(|it| format!("{it}.{claims}"));
    let bodies = [spoiled(claims), stray(&claims_json)].concat().into_iter().map(|it| format!("{header}.{it}"));
    let sign = |message: String| format!("{message}.{}", encode(hs256(secret().as_bytes(), &message)));
    headers.chain(bodies).map(sign).collect()
}

/// The other serializations of RFC 7515, section 7.2.
fn json_forms(good: &str) -> Vec<String> {
    let [header, claims, signature] = split(good);
    vec![
        json!({"payload": claims, "protected": header, "signature": signature}).to_string(),
        json!({"payload": claims, "signatures": [{"protected": header, "signature": signature}]}).to_string(),
        json!([good]).to_string(),
        json!(good).to_string(),
        json!({"access_token": good}).to_string(),
    ]
}

/// A JWE where only JWS are read, whole and in parts.
fn encrypted(good: &str) -> Vec<String> {
    let key = JweKey::parse(&encode([1; 32]).into()).unwrap();
    let jwe = key.encrypt(good, &SystemRng).unwrap();
    let parts: Vec<_> = jwe.split('.').collect();
    vec![
        format!("{}.{}.{}", parts[0], parts[3], parts[4]),
        format!("{}.{}.{}", parts[0], parts[2], parts[4]),
        format!("{}..{}", parts[0], parts[4]),
        jwe.clone(),
    ]
}

fn sizes() -> Vec<Case> {
    let claims = claims().to_string();
    let padded = |length: usize| format!("{},\"x\":\"{}\"}}", &claims[..claims.len() - 1], "x".repeat(length));
    [MAX_TOKEN_BYTES, 64 * 1024, 1024 * 1024]
        .map(|length| Case::new(format!("claims of {length} bytes"), signed(header().to_string(), padded(length))))
        .into_iter()
        .chain([
            Case::new("a megabyte of dots", ".".repeat(1024 * 1024)),
            Case::new("a megabyte of one part", "A".repeat(1024 * 1024)),
            Case::new("dots up to the limit", ".".repeat(MAX_TOKEN_BYTES)),
        ])
        .collect()
}
