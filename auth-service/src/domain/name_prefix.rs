//! What names begin with: a search that the indexes of usernames and addresses answer.

/// The beginning of usernames and e-mail addresses, lower-cased as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePrefix {
    first: String,
    behind: String,
}

/// As long as the longest address.
const LONGEST: usize = 254;

impl NamePrefix {
    /// What `text` asks for; `None` when nobody has a name that begins like that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let first = text.to_lowercase();
        let fits = first.len() <= LONGEST && !first.chars().any(|one| one.is_whitespace() || one.is_control());
        let behind = behind(&first).filter(|_| fits)?;
        Some(Self { first, behind })
    }

    /// The first text, by bytes, that begins like that.
    #[must_use]
    pub fn first(&self) -> &str {
        &self.first
    }

    /// The first text, by bytes, behind all that begin like that.
    #[must_use]
    pub fn behind(&self) -> &str {
        &self.behind
    }
}

/// `None` where there is none: for nothing at all, and for the last character that there is.
fn behind(prefix: &str) -> Option<String> {
    let mut behind: Vec<char> = prefix.chars().collect();
    while let Some(last) = behind.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            behind.push(next);
            return Some(behind.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_no_name_begins_with_is_no_prefix() {
        for text in ["", "ada lovelace", "ada\0", "a\n", "\u{10FFFF}", &"x".repeat(255)] {
            assert_eq!(NamePrefix::parse(text), None, "{text:?}");
        }
        assert_eq!(NamePrefix::parse("Ada@").unwrap().first(), "ada@");
    }

    #[test]
    fn what_is_behind_is_found_where_there_is_no_next_character() {
        assert_eq!(NamePrefix::parse("a\u{10FFFF}").unwrap().behind(), "b");
        assert_eq!(NamePrefix::parse("\u{D7FF}").unwrap().behind(), "\u{E000}");
    }

    proptest! {
        #[test]
        fn the_bounds_enclose_what_begins_like_that_and_nothing_else(
            prefix in "[a-z.\u{e0}-\u{ff}]{1,3}",
            rest in "[a-z.\u{e0}-\u{ff}]{0,3}",
            other in "[a-z.\u{e0}-\u{ff}]{1,4}",
        ) {
            let parsed = NamePrefix::parse(&prefix).unwrap();
            for text in [format!("{prefix}{rest}"), other] {
                let within = (parsed.first()..parsed.behind()).contains(&text.as_str());
                prop_assert_eq!(within, text.starts_with(parsed.first()), "{}", text);
            }
        }
    }
}
