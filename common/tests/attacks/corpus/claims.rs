//! Claims that must not be believed, under a header and a signature that are right.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Case;
use crate::fixture::{NOW, claims, header, renamed, signed, with, without};

const REQUIRED: [&str; 11] =
    ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "sid", "scope", "roles", "auth_time"];

pub fn cases() -> Vec<Case> {
    [missing_and_of_other_types(), renamed_members(), dates(), names(), kinds(), not_one_object()].concat()
}

fn case(what: impl Into<String>, claims: impl AsRef<[u8]>) -> Case {
    Case::new(what, signed(header().to_string(), claims))
}

fn replaced(name: &str, value: Value) -> Case {
    case(format!("{name}: {value}"), with(claims(), name, value))
}

/// The number as it is written, which `serde_json` would write in its own way.
fn literal(name: &str, number: &str) -> Case {
    let marked = with(claims(), name, json!("@"));
    case(format!("{name}: {number}"), marked.replace("\"@\"", number))
}

fn missing_and_of_other_types() -> Vec<Case> {
    let missing = REQUIRED.iter().map(|name| case(format!("no {name}"), without(claims(), name)));
    let is_list = |name: &str| ["aud", "roles"].contains(&name);
    let is_number = |name: &str| ["exp", "iat", "auth_time"].contains(&name);
    let others = REQUIRED.iter().flat_map(|name| {
        let mut values = vec![json!(null), json!(true), json!({}), json!([1]), json!([null]), json!([[]])];
        if is_list(name) {
            values.extend([json!("notes"), json!(1), json!({"0": "notes"}), json!(["notes", 1]), json!([["notes"]])]);
        } else if is_number(name) {
            values.extend([json!("1"), json!("1900000000"), json!(""), json!([1_900_000_000])]);
        } else {
            values.extend([json!(1), json!(["notes"]), json!([])]);
        }
        values.into_iter().map(|value| replaced(name, value))
    });
    missing.chain(others).collect()
}

fn renamed_members() -> Vec<Case> {
    REQUIRED
        .iter()
        .flat_map(|name| renamed(&claims(), name).into_iter().map(move |text| case(format!("{name} renamed"), text)))
        .collect()
}

fn dates() -> Vec<Case> {
    let now = NOW.seconds();
    let numbers = [
        "1.9e9",
        "1.9E9",
        "19e8",
        "1900000000.0",
        "1900000000.5",
        "-0",
        "-0.0",
        "0.0",
        "1e400",
        "-1e400",
        "1e-1",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "1000000000000000000000000000000",
        "0x71",
        "01900000000",
        "+1900000000",
        "1_900_000_000",
        "NaN",
        "Infinity",
        "-Infinity",
        ".5",
        "1.",
        "１９００００００００",
    ];
    let odd =
        ["exp", "iat", "nbf", "auth_time"].into_iter().flat_map(|name| numbers.map(|number| literal(name, number)));
    let early = [0, -1, 1, now - 5, now - 3600, i64::MIN, -1_900_000_000].map(|exp| replaced("exp", json!(exp)));
    let late =
        [now + 6, now + 3600, i64::MAX, now * 1000].map(|at| [replaced("iat", json!(at)), replaced("nbf", json!(at))]);
    odd.chain(early).chain(late.concat()).collect()
}

fn names() -> Vec<Case> {
    let issuers = [
        "",
        "http://localhost:8080/",
        "HTTP://LOCALHOST:8080",
        "http://localhost:80800",
        "http://localhost",
        "https://localhost:8080",
        " http://localhost:8080",
        "http://localhost:8080\u{0}",
        "http://localhost:8080.evil.example",
    ];
    let audiences = [
        json!([]),
        json!([""]),
        json!(["Notes"]),
        json!(["note"]),
        json!(["notes "]),
        json!(["notes/"]),
        json!(["not", "es"]),
        json!(["*"]),
        json!(["notes,other"]),
        json!(["notes\u{0}"]),
        json!(["ｎｏｔｅｓ"]),
    ];
    let subjects = [
        "",
        "ada",
        "not-a-uuid",
        "00000000-0000-0000-0000-00000000000g",
        "' OR 1=1 --",
        "../ada",
        // Other forms of one UUID.
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "01890a5dac96774bbcceb302099a8057",
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8057 ",
    ];
    let scopes = [" ", "a  b", " a", "a ", "a\tb", "a\nb", "a\"b", "a\\b", "a\u{0}", "ä"];
    let subjects = ["sub", "sid"].into_iter().flat_map(|name| subjects.map(|subject| replaced(name, json!(subject))));
    issuers
        .map(|issuer| replaced("iss", json!(issuer)))
        .into_iter()
        .chain(audiences.map(|audience| replaced("aud", audience)))
        .chain(subjects)
        .chain(scopes.map(|scope| replaced("scope", json!(scope))))
        .collect()
}

/// A bit of a user and a bit of a service.
fn kinds() -> Vec<Case> {
    let mut service = claims();
    for name in ["sid", "roles", "auth_time"] {
        service.as_object_mut().unwrap().remove(name);
    }
    service["sub"] = json!("reports");
    let own = with(service.clone(), "client_id", json!("reports"));
    let own: Value = serde_json::from_str(&own).unwrap();
    vec![
        case("a service with another subject", service.to_string()),
        case("a service with a session", with(own.clone(), "sid", json!(Uuid::nil()))),
        case("a service with roles", with(own.clone(), "roles", json!(["admin"]))),
        case("a service with empty roles", with(own.clone(), "roles", json!([]))),
        case("a service with a login", with(own, "auth_time", json!(1))),
    ]
}

fn not_one_object() -> Vec<Case> {
    let good = claims().to_string();
    let inner = &good[1..good.len() - 1];
    let nested =
        |open: &str, close: &str, depth| format!("{{{inner},\"x\":{}1{}}}", open.repeat(depth), close.repeat(depth));
    let repeated = REQUIRED.iter().flat_map(|name| {
        let value = claims()[*name].to_string();
        let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        [
            format!("{{{inner},\"{name}\":{value}}}"),
            format!("{{\"{name}\":{value},{inner}}}"),
            format!("{{{inner},\"{escaped}\":{value}}}"),
            format!("{{{inner},\"{name}\":null}}"),
        ]
    });
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "0".to_owned(),
        "\"\"".to_owned(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good},"),
        format!("{good}\u{0}"),
        format!("\u{feff}{good}"),
        format!("{{{inner},}}"),
        good[..good.len() - 1].to_owned(),
        good.replace('"', "'"),
        format!("{{{inner},\"x\":{{\"a\":1,\"a\":2}}}}"),
        format!("{{{inner},\"x\":[[{{\"a\":1,\"\\u0061\":2}}]]}}"),
        format!("{{{inner},\"x\":1,\"x\":2}}"),
        format!("{{{inner},\"x\":\"\\ud800\"}}"),
        nested("[", "]", 200),
        nested("{\"a\":", "}", 200),
        nested("[", "]", 2_500),
        nested("{\"a\":", "}", 900),
    ];
    let bytes = [b"{\"iss\":\"\xff\"}".to_vec(), [good.as_bytes(), b"\xff"].concat()];
    let shown = |text: &str| format!("claims …{}", text.get(text.len().saturating_sub(50)..).unwrap_or(text));
    let texts = texts.into_iter().chain(repeated).map(|text| case(shown(&text), text));
    texts.chain(bytes.map(|bytes| case("claims that are not UTF-8", bytes))).collect()
}
