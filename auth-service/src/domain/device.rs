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
    let Some(agent) = user_agent.filter(|agent| !agent.trim().is_empty()) else {
        return "Unknown device".to_owned();
    };
    let named =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => first_product(agent),
    }
}

fn first_product(agent: &str) -> String {
    let product = agent.split_whitespace().next().unwrap_or_default();
    product.chars().filter(char::is_ascii_graphic).take(MAX_DEVICE_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
