//! The table of a contest, in Markdown, which is readable in a terminal as well.

use crate::{
    contest::{Entry, Measured},
    report::Spread,
};

/// Medians of the rounds with the smallest and the largest; ratios are of the same round.
pub fn of(entries: &[Entry]) -> String {
    let mut text = "| | requests/s | of | ratio | p50 ms | p99 ms | processor µs a request |\n".to_owned();
    text.push_str("|---|---:|---|---:|---:|---:|---:|\n");
    for name in names(entries) {
        let of = |number: fn(&Measured) -> f64| Spread::of(all(entries, name).map(|entry| number(&entry.measured)));
        let base = all(entries, name).find_map(|entry| entry.base.as_deref());
        let ratio = base.map_or_else(String::new, |base| ratio(entries, name, base).to_string());
        let per_second = per_second(entries, name);
        // Logins are counted by the dozen, everything else by the thousand.
        let digits = if per_second.median < 100.0 { 2 } else { 0 };
        let line = format!(
            "| {name} | {per_second:.digits$} | {} | {ratio} | {} | {} | {:.1} |\n",
            base.unwrap_or_default(),
            of(|it| it.p50_ms),
            of(|it| it.p99_ms),
            of(|it| it.processor_us),
        );
        text.push_str(&line);
    }
    text
}

/// Who took part, in the order in which they were given.
pub fn names(entries: &[Entry]) -> Vec<&str> {
    let first_round = || entries.iter().filter(|entry| entry.round == 1).map(|entry| entry.name.as_str());
    // In round 1 the second one begins, and the first one comes last.
    first_round().next_back().into_iter().chain(first_round().take(first_round().count().saturating_sub(1))).collect()
}

/// One's requests a second.
pub fn per_second(entries: &[Entry], name: &str) -> Spread {
    Spread::of(all(entries, name).map(|entry| entry.measured.per_second))
}

/// Requests a second, compared with `base` in the same round.
pub fn ratio(entries: &[Entry], name: &str, base: &str) -> Spread {
    let ratios = all(entries, name).filter_map(|entry| {
        let base = all(entries, base).find(|other| other.round == entry.round)?;
        Some(entry.measured.per_second / base.measured.per_second)
    });
    Spread::of(ratios)
}

fn all<'a>(entries: &'a [Entry], name: &'a str) -> impl Iterator<Item = &'a Entry> {
    entries.iter().filter(move |entry| entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(round: u32, name: &str, base: Option<&str>, per_second: f64) -> Entry {
        let measured = Measured { per_second, p50_ms: 1.0, p99_ms: 2.0, processor_us: 10.0 };
        Entry { contest: "c".to_owned(), round, name: name.to_owned(), base: base.map(str::to_owned), measured }
    }

    #[test]
    fn ratios_are_of_one_round_and_the_order_is_the_given_one() {
        let entries = [
            entry(1, "guarded", Some("plain"), 90.0),
            entry(1, "plain", None, 100.0),
            entry(2, "plain", None, 200.0),
            entry(2, "guarded", Some("plain"), 190.0),
        ];
        let text = of(&entries);
        assert!(text.contains("| guarded | 140 (90..190) | plain | 0.93 (0.90..0.95) | 1.00 (1.00..1.00) |"), "{text}");
        assert!(text.find("| plain |") < text.find("| guarded |"), "{text}");
    }
}
