//! The session that all tokens of one login share, and what happens when one of its refresh tokens comes back.
//!
//! [`decide_refresh`] is where "a refresh token used twice" is decided. The stores carry the decision out, each in
//! its own language and in one step; a test holds every one of them against this function.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use common::{clock::Timestamp, scope::Scope};

use super::{
    ids::{SessionId, TokenId, UserId},
    session_secret::SessionSecrets,
};

/// What the client of a session holds. Fixed at login; a later request never changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An access token and a refresh token, in JSON.
    Bearer,
    /// One longer-lived access token and nothing to refresh it with.
    AccessOnly,
    /// An access token and a refresh token, in cookies.
    Cookie,
    /// A cookie with a secret that the session is known by; no tokens.
    Session,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Bearer, Self::AccessOnly, Self::Cookie, Self::Session];

    /// The word for it in requests, answers and stores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::AccessOnly => "access_only",
            Self::Cookie => "cookie",
            Self::Session => "session",
        }
    }

    /// Whether a browser holds it in cookies.
    #[must_use]
    pub fn has_cookies(self) -> bool {
        matches!(self, Self::Cookie | Self::Session)
    }

    /// Which sessions are counted with it.
    #[must_use]
    pub fn kind(self) -> SessionKind {
        match self {
            Self::Bearer | Self::Cookie | Self::Session => SessionKind::Refreshed,
            Self::AccessOnly => SessionKind::AccessOnly,
        }
    }
}

/// How many sessions of one kind a user may have: with one more, the oldest of its kind ends.
pub const MOST_SESSIONS: usize = 50;

/// What is counted together, so that scripts that log in for each run end no person's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKind {
    /// Those that go on as long as they are used.
    Refreshed,
    /// Those of [`Mode::AccessOnly`].
    AccessOnly,
}

/// The word stands for nothing that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown word")]
pub struct UnknownWord;

impl FromStr for Mode {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word).ok_or(UnknownWord)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a session was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedReason {
    /// Its holder, or the user from another device, ended it.
    Logout,
    /// A used refresh token came back: two parties held the session.
    Reuse,
    /// The user changed the password elsewhere.
    PasswordChange,
    /// The user was disabled.
    UserDisabled,
    /// The user is gone.
    UserDeleted,
    /// The user logged in once more and had [`MOST_SESSIONS`] of its kind.
    Superseded,
    /// An operator ended it, with others from before some instant.
    Operator,
}

impl RevokedReason {
    const ALL: [Self; 7] = [
        Self::Logout,
        Self::Reuse,
        Self::PasswordChange,
        Self::UserDisabled,
        Self::UserDeleted,
        Self::Superseded,
        Self::Operator,
    ];

    /// The word for it in stores and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::PasswordChange => "password_change",
            Self::UserDisabled => "user_disabled",
            Self::UserDeleted => "user_deleted",
            Self::Superseded => "superseded",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for RevokedReason {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).ok_or(UnknownWord)
    }
}

/// The newest refresh token that the session's holder has proved to hold by coming back later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentToken {
    /// Its `jti`.
    pub id: TokenId,
    /// How many promotions it is away from the login's token, which has 0.
    pub generation: u32,
}

/// One login of one user on one device: the record that a session store keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its name, `sid` in tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The user's epoch that it was made under, or that it was last kept or changed under: see
    /// [`effect`](super::effect).
    pub epoch: i64,
    /// The refresh token that is current; in [`Mode::AccessOnly`] and [`Mode::Session`] it was never given out.
    pub current: CurrentToken,
    /// The user's roles when they last changed, so that a refresh needs no user store.
    pub roles: Vec<String>,
    /// The client that the user logged in through.
    pub client_id: String,
    /// What the client holds.
    pub mode: Mode,
    /// What its access tokens allow.
    pub scope: Scope,
    /// When it began.
    pub created_at: Timestamp,
    /// When the user last gave the password in it.
    pub authenticated_at: Timestamp,
    /// When it ends, used or not.
    pub absolute_expiry: Timestamp,
    /// When it ends unless it is refreshed or visited before.
    pub idle_expiry: Timestamp,
    /// When it was last refreshed, or a visit was noted, or it began.
    pub last_seen: Timestamp,
    /// Such as "Firefox on Linux"; at most 60 bytes.
    pub device: String,
    /// Where the login came from, if known.
    pub address: Option<IpAddr>,
    /// Why it was ended, if it was.
    pub revoked: Option<RevokedReason>,
    /// What the cookie of [`Mode::Session`] is known by; no other mode has them, and that one always has.
    pub secrets: Option<SessionSecrets>,
}

impl Session {
    /// Whether it has secrets exactly where its mode says so. Of a record that does not, nothing can be believed.
    #[must_use]
    pub fn has_the_secrets_of_its_mode(&self) -> bool {
        self.secrets.is_some() == (self.mode == Mode::Session)
    }

    /// What a refresh is decided on at `now`. In [`Mode::Session`] there is nothing to refresh.
    #[must_use]
    pub fn refresh_state(&self, now: Timestamp) -> SessionState {
        match self.revoked {
            _ if self.is_expired(now) || self.mode == Mode::Session => SessionState::Gone,
            Some(reason) => SessionState::Revoked(reason),
            None => SessionState::Alive(self.current),
        }
    }

    /// Whether it is neither expired nor revoked at `now`.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && !self.is_expired(now)
    }

    /// Whether its time is over at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.absolute_expiry.min(self.idle_expiry)
    }
}

/// What a verified refresh token says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedToken {
    /// Its `jti`.
    pub id: TokenId,
    /// The `jti` of the token it was given out for; `None` for the one given out at login.
    pub parent: Option<TokenId>,
    /// Its parent's generation and 1; 0 at login.
    pub generation: u32,
    /// Its `iat`, seconds since the epoch.
    pub issued_at: i64,
}

/// The settings that a refresh is decided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshRules {
    /// A token at most this old is not promoted: every answer and every tab of the generation before has arrived by
    /// then. Counted in whole seconds, as tokens do.
    pub hold: Duration,
    /// How long a session lives without being refreshed.
    pub idle_ttl: Duration,
}

/// The part of a session that a refresh is decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// There is no such session, or its time is over.
    Gone,
    /// It was ended before its time.
    Revoked(RevokedReason),
    /// It lives, and this token is current.
    Alive(CurrentToken),
}

/// Why a refresh is refused while the session stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The session is over: log in again.
    LoginRequired,
    /// The session was ended because a used token came back.
    TokenReused,
}

/// What a refresh gives to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The very token that was presented, again.
    Same,
    /// A new child of the current token.
    Child,
}

/// What happens when a refresh token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Step 0: nothing to refresh.
    Refuse(Refusal),
    /// Steps 2 to 4: fresh tokens.
    Grant {
        /// The current token from now on.
        current: CurrentToken,
        /// Which refresh token the client gets.
        rotation: Rotation,
        /// Step 1 came first: the store has lost writes, and was put right by what the token proves.
        rolled_back: bool,
    },
    /// Step 5: a used token came back. The session ends here.
    Reuse,
}

/// Decides what a refresh token is answered with.
///
/// | step | presented token | answer |
/// |---|---|---|
/// | 0 | session missing, expired or revoked | refused |
/// | 1 | two or more generations after the current one: we signed it, so the store has lost writes | its parent is current; go on |
/// | 2 | the current one: the answer was lost, or several tabs asked at once | a child of it |
/// | 3 | a child of the current one, at most `hold` old | the same again |
/// | 4 | a child of the current one, older | it becomes current; a child of it |
/// | 5 | anything else | reuse |
///
/// A token becomes current only when every answer and every tab of the generation before has long arrived; until
/// then all its siblings are as good as it. No answer is stored, and a lost one may be asked for again at any time.
/// Once one party has promoted a token that another does not hold, the other's next refresh is step 5.
#[must_use]
pub fn decide_refresh(state: SessionState, presented: &PresentedToken, now: Timestamp, hold: Duration) -> Decision {
    let mut current = match state {
        SessionState::Revoked(RevokedReason::Reuse) => return Decision::Refuse(Refusal::TokenReused),
        SessionState::Gone | SessionState::Revoked(_) => return Decision::Refuse(Refusal::LoginRequired),
        SessionState::Alive(current) => current,
    };
    let mut rolled_back = false;
    if let Some(parent) = presented.parent
        && presented.generation > current.generation.saturating_add(1)
    {
        current = CurrentToken { id: parent, generation: presented.generation - 1 };
        rolled_back = true;
    }
    if presented.id == current.id {
        return Decision::Grant { current, rotation: Rotation::Child, rolled_back };
    }
    let is_child = presented.parent == Some(current.id) && presented.generation == current.generation.saturating_add(1);
    if !is_child {
        return Decision::Reuse;
    }
    if is_young(presented, now, hold) {
        return Decision::Grant { current, rotation: Rotation::Same, rolled_back };
    }
    let promoted = CurrentToken { id: presented.id, generation: presented.generation };
    Decision::Grant { current: promoted, rotation: Rotation::Child, rolled_back }
}

/// Both instants are rounded down to seconds, so "at most" makes sure that `hold` has passed in full.
fn is_young(presented: &PresentedToken, now: Timestamp, hold: Duration) -> bool {
    let age = now.seconds().saturating_sub(presented.issued_at);
    age <= i64::try_from(hold.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLD: Duration = Duration::from_mins(1);

    fn id(number: u8) -> TokenId {
        let text = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [number; 16]);
        text.parse().unwrap()
    }

    fn current(number: u8, generation: u32) -> CurrentToken {
        CurrentToken { id: id(number), generation }
    }

    fn token(number: u8, parent: Option<u8>, generation: u32, issued_at: i64) -> PresentedToken {
        PresentedToken { id: id(number), parent: parent.map(id), generation, issued_at }
    }

    fn decide(state: SessionState, presented: &PresentedToken, now: i64) -> Decision {
        decide_refresh(state, presented, Timestamp::from_seconds(now), HOLD)
    }

    fn granted(current: CurrentToken, rotation: Rotation) -> Decision {
        Decision::Grant { current, rotation, rolled_back: false }
    }

    #[test]
    fn a_session_that_is_gone_asks_for_a_login() {
        let token = token(1, None, 0, 0);
        assert_eq!(decide(SessionState::Gone, &token, 0), Decision::Refuse(Refusal::LoginRequired));
        let ended = SessionState::Revoked(RevokedReason::Logout);
        assert_eq!(decide(ended, &token, 0), Decision::Refuse(Refusal::LoginRequired));
    }

    #[test]
    fn a_session_that_reuse_ended_says_so() {
        let ended = SessionState::Revoked(RevokedReason::Reuse);
        assert_eq!(decide(ended, &token(1, None, 0, 0), 0), Decision::Refuse(Refusal::TokenReused));
    }

    #[test]
    fn the_current_token_gets_a_child_at_any_age() {
        let state = SessionState::Alive(current(1, 4));
        for now in [0, 60, 1_000_000] {
            assert_eq!(decide(state, &token(1, Some(0), 4, 0), now), granted(current(1, 4), Rotation::Child));
        }
    }

    #[test]
    fn a_young_child_comes_back_as_it_is() {
        let state = SessionState::Alive(current(1, 0));
        assert_eq!(decide(state, &token(2, Some(1), 1, 100), 160), granted(current(1, 0), Rotation::Same));
    }

    #[test]
    fn an_older_child_is_promoted() {
        let state = SessionState::Alive(current(1, 0));
        assert_eq!(decide(state, &token(2, Some(1), 1, 100), 161), granted(current(2, 1), Rotation::Child));
    }

    #[test]
    fn a_parent_that_comes_back_after_a_promotion_is_reuse() {
        let state = SessionState::Alive(current(2, 1));
        assert_eq!(decide(state, &token(1, None, 0, 0), 100), Decision::Reuse);
    }

    #[test]
    fn a_sibling_of_the_promoted_token_is_reuse() {
        let state = SessionState::Alive(current(2, 1));
        assert_eq!(decide(state, &token(3, Some(1), 1, 0), 100), Decision::Reuse);
    }

    #[test]
    fn a_token_from_after_the_lost_writes_puts_the_store_right() {
        let state = SessionState::Alive(current(1, 0));
        let young = decide(state, &token(9, Some(8), 5, 100), 100);
        assert_eq!(young, Decision::Grant { current: current(8, 4), rotation: Rotation::Same, rolled_back: true });
        let old = decide(state, &token(9, Some(8), 5, 100), 200);
        assert_eq!(old, Decision::Grant { current: current(9, 5), rotation: Rotation::Child, rolled_back: true });
    }

    #[test]
    fn the_right_parent_with_the_wrong_generation_is_reuse() {
        let state = SessionState::Alive(current(1, 3));
        assert_eq!(decide(state, &token(2, Some(1), 3, 0), 0), Decision::Reuse);
    }
}
