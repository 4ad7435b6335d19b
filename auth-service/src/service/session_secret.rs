//! A new secret for the cookie of a session, whenever the session comes to be worth more: whoever has seen the old one before must
//! not have the session now.

use common::clock::Timestamp;

use super::{Deps, Trouble, authenticate::Shown};
use crate::domain::{session::Session, session_cookie::SessionCookie};

/// The new cookie of `session`; the one that was `shown` is good until the new one is seen. `None` for other modes, and for a session
/// that has ended meanwhile.
pub(super) async fn renewed(
    deps: &Deps,
    session: &Session,
    shown: &Shown,
    now: Timestamp,
) -> Result<Option<SessionCookie>, Trouble> {
    let Shown::SessionCookie(old, _) = shown else { return Ok(None) };
    // A replica that has another secret already, or still, may have renewed it.
    let current = session.secrets.as_ref().map(|secrets| secrets.current);
    if let Some(known) = deps.renewed_cookies.all_after(old).find(|new| current == Some(new.hash())) {
        return Ok(Some(known));
    }
    let new = deps.renewed_cookies.after(old);
    let done = deps.sessions.renew_secret(old.user, old.session, &old.hash(), &new.hash(), now).await?;
    Ok(done.then_some(new))
}
