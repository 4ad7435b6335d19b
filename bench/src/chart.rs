//! The chart of a contest, as SVG that follows the reader's light or dark theme.

use std::fmt::Write;

use crate::{contest::Entry, report::Spread, table};

const WIDTH: f64 = 860.0;
const NAMES: f64 = 330.0;
const NUMBERS: f64 = 120.0;
const ROW: f64 = 26.0;
const BAR: f64 = 14.0;
const TOP: f64 = 44.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1c2733}.title{font-weight:600;font-size:14px}\
.number{font-variant-numeric:tabular-nums}.ours{fill:#2f6f5e}.others{fill:#9aa7b1}.spread{stroke:#1c2733;stroke-width:1.2}\
@media(prefers-color-scheme:dark){text{fill:#e4e9ed}.ours{fill:#5fb59b}.others{fill:#5d6b76}.spread{stroke:#e4e9ed}}";

/// A bar for the median of each one's requests a second, with a line from the smallest round to the largest. `is_ours` says
/// whose bars stand out.
pub fn of(title: &str, entries: &[Entry], is_ours: impl Fn(&str) -> bool) -> String {
    let bars: Vec<(&str, Spread)> =
        table::names(entries).into_iter().map(|name| (name, table::per_second(entries, name))).collect();
    let longest = bars.iter().map(|(_, spread)| spread.max).fold(1.0, f64::max);
    let scale = (WIDTH - NAMES - NUMBERS) / longest;
    #[expect(clippy::cast_precision_loss, reason = "a chart has few bars")]
    let height = TOP + ROW * bars.len() as f64 + 10.0;
    let title = escaped(title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>{STYLE}</style>\n<text class=\"title\" x=\"0\" y=\"18\">{title}</text>\n"
    );
    let mut y = TOP;
    for (name, spread) in bars {
        let class = if is_ours(name) { "ours" } else { "others" };
        let (width, middle, baseline) = (spread.median * scale, y + BAR / 2.0, y + BAR - 2.5);
        let (from, to) = (NAMES + spread.min * scale, NAMES + spread.max * scale);
        let name = escaped(name);
        // Writing to a string does not fail.
        _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{baseline:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"{class}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <line class=\"spread\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>\
             <text class=\"number\" x=\"{:.1}\" y=\"{baseline:.1}\">{}</text>",
            NAMES - 10.0,
            to + 8.0,
            thousands(spread.median),
        );
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// 12,345 for 12345.4; smaller numbers keep what distinguishes them.
fn thousands(number: f64) -> String {
    if number < 100.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::Measured;

    #[test]
    fn numbers_are_written_as_one_reads_them() {
        assert_eq!([7.94, 123.0, 12_345.4, 1_234_567.0].map(thousands), ["7.9", "123", "12,345", "1,234,567"]);
    }

    #[test]
    fn the_longest_bar_fills_the_room_and_ours_stand_out() {
        let entry = |name: &str, per_second| Entry {
            contest: "c".to_owned(),
            round: 1,
            name: name.to_owned(),
            base: None,
            measured: Measured { per_second, p50_ms: 1.0, p99_ms: 1.0, processor_us: 1.0 },
        };
        let svg = of("a < b", &[entry("theirs & co", 50.0), entry("ours", 100.0)], |name| name == "ours");
        assert!(svg.contains("a &lt; b") && svg.contains("theirs &amp; co"), "{svg}");
        assert!(svg.contains("class=\"ours\" x=\"330\" y=\"44.0\" width=\"410.0\""), "{svg}");
        assert!(svg.contains("class=\"others\" x=\"330\" y=\"70.0\" width=\"205.0\""), "{svg}");
    }
}
