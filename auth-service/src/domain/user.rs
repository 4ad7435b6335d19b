//! Users, and the names they go by.

use std::{fmt, str::FromStr};

use common::clock::Timestamp;

use super::{ids::UserId, password::PasswordHash};

/// 3 to 32 of `a`–`z`, `0`–`9`, `.`, `_`, `-`; unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// The text is no username, even in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 3 to 32 letters a-z, digits, dots, dashes or underscores")]
pub struct InvalidUsername;

impl Username {
    /// The username that `text` means: lower-cased.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        let name = text.to_ascii_lowercase();
        let fits = (3..=32).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
        fits.then_some(Self(name)).ok_or(InvalidUsername)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An address of the form `local@domain`, lower-cased; unique. Whether mail arrives there is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address of at most 254 bytes")]
pub struct InvalidEmail;

impl Email {
    /// The address that `text` means: lower-cased.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let address = text.to_lowercase();
        let (local, domain) = address.rsplit_once('@').ok_or(InvalidEmail)?;
        let fits = address.len() <= 254
            && !local.is_empty()
            && !local.contains('@')
            && domain.split('.').all(|label| !label.is_empty())
            && !address.chars().any(|character| character.is_whitespace() || character.is_control());
        fits.then_some(Self(address)).ok_or(InvalidEmail)
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person types to say who they are. With an `@` it is an e-mail address and nothing else, so that a username
/// can never shadow somebody's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identifier {
    /// A username.
    Username(Username),
    /// An e-mail address.
    Email(Email),
}

impl Identifier {
    /// What `text` means; `None` when no user can go by it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('@') {
            Email::parse(text).ok().map(Self::Email)
        } else {
            Username::parse(text).ok().map(Self::Username)
        }
    }
}

/// A role's name: `[a-z][a-z0-9_-]{0,31}`.
#[must_use]
pub fn is_role(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// How long the roles of one user may be together as a list in JSON, in bytes: every token holds them, and a token must fit into a
/// cookie.
pub const MOST_ROLE_BYTES: usize = 768;

/// Nobody can have these roles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRole {
    /// A text is no role's name.
    #[error("{0:?} is no role: a-z first, then a-z, 0-9, _ and -, at most 32")]
    Name(String),
    /// There are too many.
    #[error("the roles take more than {MOST_ROLE_BYTES} bytes together")]
    TooMany,
}

/// The roles, if a user may have them.
pub fn checked_roles(roles: Vec<String>) -> Result<Vec<String>, InvalidRole> {
    if let Some(role) = roles.iter().find(|role| !is_role(role)) {
        return Err(InvalidRole::Name(role.clone()));
    }
    let bytes: usize = roles.iter().map(|role| role.len() + 3).sum();
    if bytes > MOST_ROLE_BYTES { Err(InvalidRole::TooMany) } else { Ok(roles) }
}

/// The role of administrators.
pub const ADMINISTRATOR: &str = "admin";

/// A person with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their name in tokens, for ever.
    pub id: UserId,
    /// What they log in with.
    pub username: Username,
    /// What else they may log in with.
    pub email: Option<Email>,
    /// What they are.
    pub roles: Vec<String>,
    /// Whether they may not log in.
    pub disabled: bool,
    /// When they were registered.
    pub created_at: Timestamp,
}

impl User {
    /// Whether they may do what administrators do.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        !self.disabled && self.roles.iter().any(|role| role == ADMINISTRATOR)
    }
}

/// What a user goes by from now on; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renaming {
    /// The username.
    pub username: Option<Username>,
    /// The e-mail address.
    pub email: Option<NewEmail>,
}

/// A user's e-mail address from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewEmail {
    /// This one.
    Address(Email),
    /// None at all.
    None,
}

impl NewEmail {
    /// The address, if there is one.
    #[must_use]
    pub fn address(&self) -> Option<&Email> {
        match self {
            Self::Address(email) => Some(email),
            Self::None => None,
        }
    }
}

impl Renaming {
    /// What of it is a change for `user`.
    #[must_use]
    pub fn of(self, user: &User) -> Self {
        Self {
            username: self.username.filter(|username| *username != user.username),
            email: self.email.filter(|email| email.address() != user.email.as_ref()),
        }
    }

    /// Whether everything stays.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.username.is_none() && self.email.is_none()
    }
}

/// A user who is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletedUser {
    /// Who, and their place among the others.
    pub place: DeletionPlace,
    /// When they went.
    pub deleted_at: Timestamp,
}

/// A place in the list of deleted users. With the user's id beside the number it is not mistaken for the place of
/// somebody else, after the list was put back to an earlier state and has gone on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletionPlace {
    /// From 1.
    pub number: i64,
    /// Who is there. Nobody else ever gets this id.
    pub user: UserId,
}

/// The text is no place in the list of deleted users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor of this list")]
pub struct InvalidPlace;

impl fmt::Display for DeletionPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.number, self.user)
    }
}

impl FromStr for DeletionPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (number, user) = text.split_once('.').ok_or(InvalidPlace)?;
        let place =
            Self { number: number.parse().map_err(|_| InvalidPlace)?, user: user.parse().map_err(|_| InvalidPlace)? };
        if place.number > 0 && place.to_string() == text { Ok(place) } else { Err(InvalidPlace) }
    }
}

/// A user together with what a login is checked against, read in one go.
#[derive(Debug, Clone)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The stored form of the password.
    pub password: PasswordHash,
    /// Where the password is a temporary one: until when it may be replaced. Nobody logs in with it.
    pub temporary_until: Option<Timestamp>,
    /// Raised whenever all sessions of the user end or their roles change. A session made under an older one is refused.
    pub epoch: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_cased_and_bounded() {
        assert_eq!(Username::parse("Ada.Lovelace").unwrap().as_str(), "ada.lovelace");
        for text in ["ab", "a b c", "ada@x", "ädä", "", &"x".repeat(33)] {
            assert_eq!(Username::parse(text), Err(InvalidUsername), "{text:?}");
        }
    }

    #[test]
    fn addresses_are_lower_cased_and_have_two_halves() {
        assert_eq!(Email::parse("Ada@Example.org").unwrap().as_str(), "ada@example.org");
        for text in ["ada", "@x.org", "ada@", "a@b@c.org", "a da@x.org", "ada@x..org"] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn a_place_is_read_as_it_is_written_and_not_otherwise() {
        let text = "7.018f0000-0000-7000-8000-000000000001";
        assert_eq!(text.parse::<DeletionPlace>().unwrap().to_string(), text);
        for wrong in
            ["", "7", "7.", "07.018f0000-0000-7000-8000-000000000001", "0.018f0000-0000-7000-8000-000000000001"]
        {
            assert_eq!(wrong.parse::<DeletionPlace>(), Err(InvalidPlace), "{wrong:?}");
        }
        assert_eq!(text.to_uppercase().parse::<DeletionPlace>(), Err(InvalidPlace));
    }

    #[test]
    fn an_at_sign_makes_it_an_address() {
        assert!(matches!(Identifier::parse("a@b.org"), Some(Identifier::Email(_))));
        assert!(matches!(Identifier::parse("ada"), Some(Identifier::Username(_))));
        assert_eq!(Identifier::parse("no such thing"), None);
    }
}
