//! Invitations for where registration is not open to everybody.

use std::time::Duration;

use crate::{
    domain::invite::{Invite, InviteCode},
    ports::{Clock, Rng, StoreError, UserStore},
};

/// Makes an invitation that registers one user within `ttl`.
pub async fn invite(
    users: &dyn UserStore,
    clock: &dyn Clock,
    rng: &dyn Rng,
    ttl: Duration,
) -> Result<(InviteCode, Invite), StoreError> {
    let code = InviteCode::new(rng);
    let created_at = clock.now();
    let invite = Invite { code: code.hashed(), created_at, expires_at: created_at + ttl };
    users.insert_invite(&invite).await?;
    Ok((code, invite))
}
