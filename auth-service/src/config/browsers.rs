//! How users may log in, and whether browsers can hold what they get then.

use common::{browser::Site, env::Env, scope::Scope, settings::Tokens};

use crate::domain::{
    cookie_size::{MOST_COOKIE_BYTES, longest_cookie},
    session::Mode,
};

pub(super) fn modes(text: &str) -> Result<Vec<Mode>, &'static str> {
    let modes: Result<Vec<Mode>, _> = text.split(',').map(|word| word.trim().parse()).collect();
    modes.map_err(|_| "must be some of bearer, access_only, cookie and session, divided by commas")
}

/// Whose cookies browsers hold, where some mode has any.
pub(super) fn site(env: &mut Env, tokens: Option<&Tokens>, modes: Option<&[Mode]>) -> Option<Site> {
    if !modes?.iter().any(|mode| mode.has_cookies()) {
        return None;
    }
    match Site::at(&tokens?.issuer) {
        Ok(site) => Some(site),
        Err(error) => {
            env.reject(
                "JWT_ISSUER",
                format!("{error}: use https, or leave cookie and session out of AUTH_LOGIN_MODES"),
            );
            None
        }
    }
}

/// Browsers drop a cookie that is too long without a word.
pub(super) fn refuse_long_cookies(
    env: &mut Env,
    tokens: Option<&Tokens>,
    site: Option<&Site>,
    modes: Option<&[Mode]>,
    scope: Option<&Scope>,
    audiences: Option<&[String]>,
) {
    let (Some(tokens), Some(site), Some(scope), Some(audiences)) = (tokens, site, scope, audiences) else { return };
    if !modes.is_some_and(|modes| modes.contains(&Mode::Cookie)) {
        return;
    }
    let longest = longest_cookie(site, &tokens.issuer, scope, audiences, tokens.encryption.issuing_key().is_some());
    if longest > MOST_COOKIE_BYTES {
        let reason = format!(
            "and AUTH_FIRST_PARTY_AUDIENCES make cookies of up to {longest} bytes, and browsers keep {MOST_COOKIE_BYTES}: \
            shorten them, or leave cookie out of AUTH_LOGIN_MODES"
        );
        env.reject("AUTH_FIRST_PARTY_SCOPES", reason);
    }
}
