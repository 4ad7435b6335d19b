//! What an operator does with users. Sessions follow through the outbox: a running auth-service applies it within a
//! second, so these need no session store.

use std::sync::Arc;

use super::{
    Trouble, delete_account,
    register::judge,
    rename::{described, renamed},
    temporary_password::{self, NotTaken},
};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        effect::{Effect, EndReason},
        ids::UserId,
        password::{Password, WeakPassword},
        user::{Email, Identifier, Renaming, User, Username},
    },
    ports::{Change, Clock, HashTurn, Insertion, NewAccount, Renamed, Rng, UserStore},
};

/// What the operator's use cases share.
pub struct Operator {
    /// Users and the outbox.
    pub users: Arc<dyn UserStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
}

/// Why a user was not changed or added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// There is no such user.
    #[error("there is no such user")]
    NoSuchUser,
    /// The username is another's.
    #[error("the username is taken")]
    UsernameTaken,
    /// The e-mail address is another's.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The password is easy to guess.
    #[error("the password is too weak{}", advice(.0))]
    WeakPassword(WeakPassword),
    /// The store or the hash function failed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl From<NotTaken> for ManageError {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::WeakPassword(weak) => Self::WeakPassword(weak),
            NotTaken::Trouble(trouble) => trouble.into(),
        }
    }
}

fn advice(weak: &WeakPassword) -> String {
    let sentences = weak.warning.iter().chain(&weak.suggestions);
    sentences.fold(String::new(), |text, sentence| format!("{text}; {sentence}"))
}

/// A user as the operator describes them.
#[derive(Debug, Clone)]
pub struct Addition {
    /// The name to log in with.
    pub username: Username,
    /// An address to log in with.
    pub email: Option<Email>,
    /// What they are.
    pub roles: Vec<String>,
    /// The password.
    pub password: Password,
}

impl Operator {
    /// The user who goes by `identifier`.
    pub async fn find(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let account = self.users.find(identifier).await.map_err(Trouble::from)?;
        account.map(|account| account.user).ok_or(ManageError::NoSuchUser)
    }

    async fn found(&self, id: UserId) -> Result<User, ManageError> {
        let account = self.users.find_by_id(id).await.map_err(Trouble::from)?;
        account.map(|account| account.user).ok_or(ManageError::NoSuchUser)
    }

    /// Adds a user, whatever registration allows.
    pub async fn add(&self, addition: Addition, turn: &dyn HashTurn) -> Result<User, ManageError> {
        judge(&addition.password, &addition.username, addition.email.as_ref()).map_err(ManageError::WeakPassword)?;
        let password = turn.hash(addition.password).await.map_err(Trouble::from)?;
        let now = self.clock.now();
        let user = User {
            id: UserId::new(now, &*self.rng),
            username: addition.username,
            email: addition.email,
            roles: addition.roles,
            disabled: false,
            created_at: now,
        };
        let account = NewAccount { user, password, invite: None };
        let event = self.event(AuditKind::UserAdded, account.user.id).with("roles", account.user.roles.join(","));
        match self.users.insert(&account, &event, now).await.map_err(Trouble::from)? {
            Insertion::Done => Ok(account.user),
            Insertion::UsernameTaken => Err(ManageError::UsernameTaken),
            Insertion::EmailTaken => Err(ManageError::EmailTaken),
            Insertion::InviteInvalid => Err(Trouble::Internal("an invitation was asked of an operator").into()),
        }
    }

    /// Gives a user other names.
    pub async fn rename(&self, identifier: &Identifier, renaming: Renaming) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        let renaming = renaming.of(&user);
        if renaming.is_empty() {
            return Ok(user);
        }
        let event = described(self.event(AuditKind::UserRenamed, user.id), &user, &renaming);
        match self.users.rename(user.id, &renaming, &event).await.map_err(Trouble::from)? {
            Renamed::Done => Ok(renamed(user, renaming)),
            Renamed::UsernameTaken => Err(ManageError::UsernameTaken),
            Renamed::EmailTaken => Err(ManageError::EmailTaken),
            Renamed::NoSuchUser => Err(ManageError::NoSuchUser),
        }
    }

    /// Deletes a user, for good, and ends their sessions. The user as they were.
    pub async fn delete(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        let event = self.event(AuditKind::UserDeleted, user.id);
        self.commit(&user, &Change::Delete, &delete_account::ENDS_SESSIONS, &event).await?;
        Ok(user)
    }

    /// Gives a user these roles and no others.
    pub async fn set_roles(&self, identifier: &Identifier, roles: Vec<String>) -> Result<User, ManageError> {
        let effect = Effect::SetRoles { roles: roles.clone() };
        let user = self.find(identifier).await?;
        let event = self.event(AuditKind::RolesChanged, user.id).with("roles", roles.join(","));
        self.change(&user, &Change::Roles(roles), &effect, &event.with("roles_before", user.roles.join(","))).await
    }

    /// Gives a user a temporary password, which has to be replaced at the next login, and ends their sessions.
    pub async fn set_password(
        &self,
        identifier: &Identifier,
        password: Password,
        turn: &dyn HashTurn,
    ) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        let change = temporary_password::change(turn, &user, password, &*self.clock).await?;
        self.change(&user, &change, &temporary_password::ENDS_SESSIONS, &self.event(AuditKind::PasswordSet, user.id))
            .await
    }

    /// Ends all sessions of a user and lets them log in no more.
    pub async fn disable(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let effect = Effect::EndSessions { reason: EndReason::UserDisabled, except: None };
        let user = self.find(identifier).await?;
        self.change(&user, &Change::Disable, &effect, &self.event(AuditKind::UserDisabled, user.id)).await
    }

    /// Lets a disabled user log in again.
    pub async fn enable(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        let event = self.event(AuditKind::UserEnabled, user.id);
        self.users.enable(user.id, &event).await.map_err(Trouble::from)?;
        self.found(user.id).await
    }

    async fn change(
        &self,
        user: &User,
        change: &Change,
        effect: &Effect,
        event: &AuditEvent,
    ) -> Result<User, ManageError> {
        self.commit(user, change, effect, event).await?;
        self.found(user.id).await
    }

    async fn commit(
        &self,
        user: &User,
        change: &Change,
        effect: &Effect,
        event: &AuditEvent,
    ) -> Result<(), ManageError> {
        let now = self.clock.now();
        let committed = self.users.change(user.id, change, effect, event, now).await.map_err(Trouble::from)?;
        committed.map(drop).ok_or(ManageError::NoSuchUser)
    }

    fn event(&self, kind: AuditKind, user: UserId) -> AuditEvent {
        AuditEvent::new(kind, Actor::Operator, self.clock.now(), &*self.rng).to_user(user)
    }
}
