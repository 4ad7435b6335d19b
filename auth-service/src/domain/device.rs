//! What a session's device is called when its user looks at the list: "Firefox on Linux".

/// The longest name in bytes.
pub const MAX_DEVICE_BYTES: usize = 60;

/// The order decides: most browsers name several others for compatibility.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The name for a `User-Agent` header. Programs keep the name of their first product, as in `curl/8.5.0`.
#[must_use]
pub fn device_name(user_agent: Option<&str>) -> String {
    let agent = user_agent.unwrap_or_default();
    let named =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => first_product(agent).unwrap_or_else(|| "Unknown device".to_owned()),
    }
}

fn first_product(agent: &str) -> Option<String> {
    let product = agent.split_whitespace().next()?;
    let name: String = product.chars().filter(char::is_ascii_graphic).take(MAX_DEVICE_BYTES).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn a_name_is_short_printable_and_never_empty(
            agent in prop_oneof![".{0,200}", "[ -~]{0,40}(Firefox/|Linux|Edg){0,3}.{0,9}"],
        ) {
            let name = device_name(Some(&agent));
            prop_assert!((1..=MAX_DEVICE_BYTES).contains(&name.len()), "{:?}", name);
            prop_assert!(name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn browsers_are_named_with_their_system() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(device_name(Some(firefox)), "Firefox on Linux");
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0";
        assert_eq!(device_name(Some(edge)), "Edge on Windows");
    }

    #[test]
    fn programs_keep_their_own_name_within_bounds() {
        assert_eq!(device_name(Some("curl/8.5.0")), "curl/8.5.0");
        assert_eq!(device_name(Some(&"x".repeat(500))).len(), MAX_DEVICE_BYTES);
        assert_eq!(device_name(None), "Unknown device");
    }
}
