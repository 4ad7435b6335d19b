//! The CSRF value of a browser that has lost it.

use common::browser::csrf_claim;
use secrecy::{ExposeSecret, SecretString};

use super::{
    Deps, Trouble,
    authenticate::{AuthenticateError, Shown, by_token_cookie, visit},
    grant::InBrowser,
};
use crate::domain::session::Mode;

/// What the browser keeps that shows `shown`; `None` where that is no cookie.
pub async fn csrf_value(deps: &Deps, shown: &Shown) -> Result<Option<InBrowser>, AuthenticateError> {
    let now = deps.clock.now();
    Ok(match shown {
        Shown::Token(_) => None,
        Shown::TokenCookie(token, csrf) => {
            let (claims, session) = by_token_cookie(deps, token, csrf).await?;
            let mut in_browser = InBrowser::of(deps, &session, now);
            // Services go by the token, which may be from before the secret was changed.
            let fits = |value: &SecretString| claims.csrf.as_deref() == Some(&*csrf_claim(value.expose_secret()));
            if let Some(value) = deps.csrf.all_of(session.id).find(fits) {
                in_browser.csrf = value;
            }
            Some(in_browser)
        }
        Shown::SessionCookie(cookie, csrf) => Some(InBrowser::of(deps, &visit(deps, cookie, csrf).await?, now)),
    })
}

/// The same for a browser whose access token has run out: its refresh token is there still, and cannot be used without the value.
pub async fn csrf_value_to_refresh(
    deps: &Deps,
    refresh_token: &SecretString,
) -> Result<Option<InBrowser>, AuthenticateError> {
    let verified = deps.refresh_tokens.verify(refresh_token.expose_secret())?;
    let now = deps.clock.now();
    let session = deps.sessions.find(verified.user, verified.session, now).await.map_err(Trouble::from)?;
    let session = session.ok_or(AuthenticateError::LoginRequired)?;
    Ok((session.mode == Mode::Cookie).then(|| InBrowser::of(deps, &session, now)))
}
