//! What an operator or an administrator does with users. Sessions follow through the outbox: where there is a session
//! store at hand it is applied at once, and else by a running auth-service within a second.

use std::{net::IpAddr, sync::Arc};

use super::{
    Deps, Trouble, audit, delete_account,
    effects::{Applied, apply_now},
    register::judge,
    rename::{described, renamed},
    temporary_password::{self, NotTaken},
};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, AuditKind},
        effect::{Effect, EndReason},
        ids::UserId,
        name_prefix::NamePrefix,
        password::{Password, WeakPassword},
        session::Session,
        user::{ADMINISTRATOR, Email, Identifier, Renaming, User, Username},
    },
    ports::{
        Administered, Change, Clock, HashTurn, Insertion, NewAccount, Renamed, Rng, SessionStore, StoreError, UserStore,
    },
};

/// What the use cases share.
pub struct Operator {
    /// Users and the outbox.
    pub users: Arc<dyn UserStore>,
    /// Sessions, where they are to follow at once.
    pub sessions: Option<Arc<dyn SessionStore>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub rng: Arc<dyn Rng>,
    /// Who does it.
    pub actor: Actor,
    /// From where, if known.
    pub address: Option<IpAddr>,
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
    /// It is the administrator's own account, which would not be an administrator's any more, or would have a password for
    /// which the current one was not given.
    #[error("another administrator has to do this to one's own account")]
    OwnAccount,
    /// Whoever wants it has been an administrator until a moment ago.
    #[error("the user is no administrator")]
    NotAdministrator,
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

/// What is to change of a user; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPatch {
    /// The roles, and no others.
    pub roles: Option<Vec<String>>,
    /// Whether they may not log in.
    pub disabled: Option<bool>,
}

impl Operator {
    /// What whoever sits at the machine does with `users`.
    #[must_use]
    pub fn at_the_machine(users: Arc<dyn UserStore>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { users, sessions: None, clock, rng, actor: Actor::Operator, address: None }
    }

    /// What an administrator does in `session`.
    #[must_use]
    pub fn of_administrator(deps: &Deps, session: &Session, address: Option<IpAddr>) -> Self {
        Self {
            users: Arc::clone(&deps.users),
            sessions: Some(Arc::clone(&deps.sessions)),
            clock: Arc::clone(&deps.clock),
            rng: Arc::clone(&deps.rng),
            actor: Actor::User(session.user),
            address,
        }
    }

    /// Up to `limit` users after `after`, by id: all of them, or those with a name that begins with `search`.
    pub async fn list(
        &self,
        search: Option<&NamePrefix>,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, ManageError> {
        let listed = match search {
            Some(prefix) => self.users.search(prefix, after, limit).await,
            None => self.users.list(after, limit).await,
        };
        Ok(listed.map_err(Trouble::from)?)
    }

    /// The user who goes by `identifier`.
    pub async fn find(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let account = self.users.find(identifier).await.map_err(Trouble::from)?;
        account.map(|account| account.user).ok_or(ManageError::NoSuchUser)
    }

    /// The user of that id.
    pub async fn found(&self, id: UserId) -> Result<User, ManageError> {
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
        self.remove(&user).await?;
        Ok(user)
    }

    /// The same by id.
    pub async fn delete_by_id(&self, id: UserId) -> Result<Applied, ManageError> {
        self.remove(&self.found(id).await?).await
    }

    /// Gives a user these roles and no others.
    pub async fn set_roles(&self, identifier: &Identifier, roles: Vec<String>) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        self.give_roles(&user, roles).await?;
        self.found(user.id).await
    }

    /// Changes what `patch` says, where it is not so already. The user as they are now.
    pub async fn patch(&self, id: UserId, patch: UserPatch) -> Result<(User, Applied), ManageError> {
        let user = self.found(id).await?;
        let asks = patch != UserPatch::default();
        let mut committed = None;
        // What is taken away goes first: nothing is done in between that would have to be undone.
        if patch.disabled == Some(true) && !user.disabled {
            committed = committed.max(Some(self.shut_out(&user).await?));
        }
        if let Some(roles) = patch.roles.filter(|roles| *roles != user.roles) {
            committed = committed.max(Some(self.give_roles(&user, roles).await?));
        }
        if patch.disabled == Some(false) && user.disabled {
            self.let_in(&user).await?;
        }
        let applied = match committed {
            Some(applied) => applied,
            // It may have been asked for before, and the sessions may not have followed yet.
            None if asks => self.follow(id).await,
            None => Applied::Now,
        };
        Ok((self.found(id).await?, applied))
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions(&self, id: UserId) -> Result<Applied, ManageError> {
        let user = self.found(id).await?;
        let effect = Effect::EndSessions { reason: EndReason::LogoutAll, except: None };
        self.commit(&user, &Change::SessionsOnly, &effect, self.event(AuditKind::SessionsEnded, id)).await
    }

    /// Gives a user a temporary password, which has to be replaced at the next login, and ends their sessions.
    pub async fn set_password(
        &self,
        identifier: &Identifier,
        password: Password,
        turn: &dyn HashTurn,
    ) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        self.give_password(&user, password, turn).await?;
        self.found(user.id).await
    }

    /// The same by id.
    pub async fn set_password_by_id(
        &self,
        id: UserId,
        password: Password,
        turn: &dyn HashTurn,
    ) -> Result<Applied, ManageError> {
        self.give_password(&self.found(id).await?, password, turn).await
    }

    /// Ends all sessions of a user and lets them log in no more.
    pub async fn disable(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        self.shut_out(&user).await?;
        self.found(user.id).await
    }

    /// Lets a disabled user log in again.
    pub async fn enable(&self, identifier: &Identifier) -> Result<User, ManageError> {
        let user = self.find(identifier).await?;
        self.let_in(&user).await?;
        self.found(user.id).await
    }

    async fn give_roles(&self, user: &User, roles: Vec<String>) -> Result<Applied, ManageError> {
        if !roles.iter().any(|role| role == ADMINISTRATOR) {
            self.refuse_own(user)?;
        }
        let event = self.event(AuditKind::RolesChanged, user.id).with("roles", roles.join(","));
        let event = event.with("roles_before", user.roles.join(","));
        let effect = Effect::SetRoles { roles: roles.clone() };
        self.commit(user, &Change::Roles(roles), &effect, event).await
    }

    async fn shut_out(&self, user: &User) -> Result<Applied, ManageError> {
        self.refuse_own(user)?;
        let effect = Effect::EndSessions { reason: EndReason::UserDisabled, except: None };
        self.commit(user, &Change::Disable, &effect, self.event(AuditKind::UserDisabled, user.id)).await
    }

    async fn let_in(&self, user: &User) -> Result<(), ManageError> {
        self.refuse_own(user)?;
        let event = self.event(AuditKind::UserEnabled, user.id);
        let enabled = if let Actor::User(administrator) = self.actor {
            self.users.enable_as(administrator, user.id, &event).await
        } else {
            let found = self.users.enable(user.id, &event).await;
            found.map(|found| if found { Administered::Done(()) } else { Administered::NoSuchUser })
        };
        done(enabled, &event)
    }

    async fn give_password(
        &self,
        user: &User,
        password: Password,
        turn: &dyn HashTurn,
    ) -> Result<Applied, ManageError> {
        self.refuse_own(user)?;
        let change = temporary_password::change(turn, user, password, &*self.clock).await?;
        let event = self.event(AuditKind::PasswordSet, user.id);
        self.commit(user, &change, &temporary_password::ENDS_SESSIONS, event).await
    }

    async fn remove(&self, user: &User) -> Result<Applied, ManageError> {
        self.refuse_own(user)?;
        let event = self.event(AuditKind::UserDeleted, user.id);
        self.commit(user, &Change::Delete, &delete_account::ENDS_SESSIONS, event).await
    }

    /// There is always an administrator left who could give the role back: the one who asks. And whoever has come by their
    /// session does not take the account over.
    fn refuse_own(&self, user: &User) -> Result<(), ManageError> {
        if self.actor == Actor::User(user.id) { Err(ManageError::OwnAccount) } else { Ok(()) }
    }

    async fn commit(
        &self,
        user: &User,
        change: &Change,
        effect: &Effect,
        event: AuditEvent,
    ) -> Result<Applied, ManageError> {
        let (now, id) = (self.clock.now(), user.id);
        let committed = if let Actor::User(administrator) = self.actor {
            self.users.change_as(administrator, id, change, effect, &event, now).await
        } else {
            let changed = self.users.change(id, change, effect, &event, now).await;
            changed.map(|changed| changed.map_or(Administered::NoSuchUser, Administered::Done))
        };
        done(committed, &event)?;
        Ok(self.follow(id).await)
    }

    /// Applies what waits for the user's sessions, where there is a session store at hand.
    async fn follow(&self, user: UserId) -> Applied {
        match &self.sessions {
            Some(sessions) => apply_now(&*self.users, &**sessions, &*self.clock, user).await,
            None => Applied::Later,
        }
    }

    fn event(&self, kind: AuditKind, user: UserId) -> AuditEvent {
        let event = AuditEvent::new(kind, self.actor.clone(), self.clock.now(), &*self.rng);
        event.to_user(user).from_address(self.address)
    }
}

fn done<T>(outcome: Result<Administered<T>, StoreError>, event: &AuditEvent) -> Result<T, ManageError> {
    match outcome.map_err(Trouble::from)? {
        Administered::Done(done) => {
            audit::log(event);
            Ok(done)
        }
        Administered::NoSuchUser => Err(ManageError::NoSuchUser),
        Administered::NotAdministrator => Err(ManageError::NotAdministrator),
    }
}
