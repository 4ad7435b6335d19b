//! Users, their passwords, invitations and the outbox, in one database.

use async_trait::async_trait;
use common::{
    clock::Timestamp,
    sql::{AnyConnection, Sql, SqlError},
};
use diesel::prelude::*;

use super::{audit, deleted_users, invites, names, outbox, schema::users, user_pages::page, user_row::UserRow};
use crate::{
    domain::{
        audit::AuditEvent,
        effect::{Effect, PendingEffect},
        ids::UserId,
        invite::Invite,
        name_prefix::NamePrefix,
        password::PasswordHash,
        user::{Account, DeletedUser, DeletionPlace, Identifier, NewEmail, Renaming, User, Username},
    },
    ports::{Administered, Change, Insertion, NewAccount, Renamed, StoreError, UserStore},
};

/// The [`UserStore`] in SQL.
#[derive(Clone)]
pub struct SqlUsers {
    sql: Sql,
}

impl SqlUsers {
    /// A store in a database that has been migrated.
    #[must_use]
    pub fn new(sql: Sql) -> Self {
        Self { sql }
    }

    /// Deletes up to `limit` invitations that have expired at `now`, used or not, and returns how many.
    pub async fn sweep_invites(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        Ok(self.sql.write(move |connection| Ok(invites::sweep(connection, now, limit)?)).await?)
    }
}

/// What is another's.
enum Taken {
    Username,
    Email,
}

impl SqlUsers {
    /// What the unique rule is about that was violated by a user of this name.
    async fn taken(&self, rule: &str, username: Option<Username>) -> Result<Taken, StoreError> {
        match rule {
            "users_username_key" => Ok(Taken::Username),
            "users_email_key" => {
                // Where both are taken, which rule is looked at first differs between the databases.
                let named = match username {
                    Some(username) => self.find(&Identifier::Username(username)).await?,
                    None => None,
                };
                Ok(if named.is_some() { Taken::Username } else { Taken::Email })
            }
            _ => Err(SqlError::Unique(rule.to_owned()).into()),
        }
    }
}

/// The columns that change.
#[derive(AsChangeset)]
#[diesel(table_name = users)]
struct NewNames {
    username: Option<String>,
    #[expect(
        clippy::option_option,
        reason = "diesel leaves the column for one `None` and sets it to NULL for the other"
    )]
    email: Option<Option<String>>,
}

impl From<&Renaming> for NewNames {
    fn from(renaming: &Renaming) -> Self {
        let address = |email: &NewEmail| email.address().map(|address| address.as_str().to_owned());
        Self {
            username: renaming.username.as_ref().map(Username::to_string),
            email: renaming.email.as_ref().map(address),
        }
    }
}

#[async_trait]
impl UserStore for SqlUsers {
    async fn insert(&self, account: &NewAccount, audit: &AuditEvent, now: Timestamp) -> Result<Insertion, StoreError> {
        let username = account.user.username.clone();
        let (account, event) = (account.clone(), audit.clone());
        let inserted = self.sql.write(move |connection| {
            if let Some(code) = &account.invite
                && !invites::use_up(connection, code, account.user.id, now)?
            {
                return Ok(Insertion::InviteInvalid);
            }
            diesel::insert_into(users::table).values(UserRow::of(&account, now)).execute(connection)?;
            audit::insert(connection, &event)?;
            Ok(Insertion::Done)
        });
        match inserted.await {
            Err(SqlError::Unique(rule)) => Ok(match self.taken(&rule, Some(username)).await? {
                Taken::Username => Insertion::UsernameTaken,
                Taken::Email => Insertion::EmailTaken,
            }),
            other => Ok(other?),
        }
    }

    async fn find(&self, identifier: &Identifier) -> Result<Option<Account>, StoreError> {
        let identifier = identifier.clone();
        let found = self.sql.read(move |connection| {
            let query = users::table.select(UserRow::as_select());
            let row = match &identifier {
                Identifier::Username(name) => query.filter(users::username.eq(name.as_str())).first(connection),
                Identifier::Email(email) => query.filter(users::email.eq(email.as_str())).first(connection),
            };
            row.optional()?.map(Account::try_from).transpose()
        });
        Ok(found.await?)
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.sql.read(move |connection| account(connection, id)).await?)
    }

    async fn list(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        Ok(self.sql.read(move |connection| page(connection, None, after, limit)).await?)
    }

    async fn search(&self, prefix: &NamePrefix, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let prefix = prefix.clone();
        Ok(self.sql.read(move |connection| page(connection, Some(&prefix), after, limit)).await?)
    }

    async fn change(
        &self,
        id: UserId,
        change: &Change,
        effect: &Effect,
        audit: &AuditEvent,
        now: Timestamp,
    ) -> Result<Option<PendingEffect>, StoreError> {
        let (change, effect, event) = (change.clone(), effect.clone(), audit.clone());
        let changed = self.sql.write(move |connection| commit(connection, id, &change, &effect, &event, now));
        Ok(changed.await?)
    }

    async fn change_as(
        &self,
        administrator: UserId,
        id: UserId,
        change: &Change,
        effect: &Effect,
        audit: &AuditEvent,
        now: Timestamp,
    ) -> Result<Administered<PendingEffect>, StoreError> {
        let (change, effect, event) = (change.clone(), effect.clone(), audit.clone());
        let changed = self.sql.write(move |connection| {
            if !may_change(connection, administrator, id)? {
                return Ok(Administered::NotAdministrator);
            }
            let done = commit(connection, id, &change, &effect, &event, now)?;
            Ok(done.map_or(Administered::NoSuchUser, Administered::Done))
        });
        Ok(changed.await?)
    }

    async fn rehash(&self, id: UserId, expected: &PasswordHash, new: &PasswordHash) -> Result<(), StoreError> {
        let (expected, new) = (expected.clone(), new.clone());
        let rehashed = self.sql.write_repeatable(move |connection| {
            let user = users::table.find(id.to_string()).filter(users::password.eq(expected.expose()));
            Ok(diesel::update(user).set(users::password.eq(new.expose())).execute(connection).map(drop)?)
        });
        Ok(rehashed.await?)
    }

    async fn enable(&self, id: UserId, audit: &AuditEvent) -> Result<bool, StoreError> {
        let event = audit.clone();
        Ok(self.sql.write(move |connection| enable(connection, id, &event)).await?)
    }

    async fn enable_as(
        &self,
        administrator: UserId,
        id: UserId,
        audit: &AuditEvent,
    ) -> Result<Administered<()>, StoreError> {
        let event = audit.clone();
        let enabled = self.sql.write(move |connection| {
            if !may_change(connection, administrator, id)? {
                return Ok(Administered::NotAdministrator);
            }
            let found = enable(connection, id, &event)?;
            Ok(if found { Administered::Done(()) } else { Administered::NoSuchUser })
        });
        Ok(enabled.await?)
    }

    async fn rename(&self, id: UserId, renaming: &Renaming, audit: &AuditEvent) -> Result<Renamed, StoreError> {
        let (names, event) = (NewNames::from(renaming), audit.clone());
        let renamed = self.sql.write(move |connection| {
            let found = diesel::update(users::table.find(id.to_string())).set(&names).execute(connection)? == 1;
            if !found {
                return Ok(Renamed::NoSuchUser);
            }
            audit::insert(connection, &event)?;
            Ok(Renamed::Done)
        });
        match renamed.await {
            Err(SqlError::Unique(rule)) => Ok(match self.taken(&rule, renaming.username.clone()).await? {
                Taken::Username => Renamed::UsernameTaken,
                Taken::Email => Renamed::EmailTaken,
            }),
            other => Ok(other?),
        }
    }

    async fn deleted_after(
        &self,
        after: Option<DeletionPlace>,
        limit: u32,
    ) -> Result<Option<Vec<DeletedUser>>, StoreError> {
        Ok(self.sql.read(move |connection| deleted_users::after(connection, after, limit)).await?)
    }

    async fn insert_invite(&self, invite: &Invite) -> Result<(), StoreError> {
        let invite = invite.clone();
        match self.sql.write_repeatable(move |connection| Ok(invites::insert(connection, &invite)?)).await {
            // The very same code, from the attempt before: nobody else can have made it.
            Err(SqlError::Unique(_)) => Ok(()),
            other => Ok(other?),
        }
    }

    async fn pending_effects(&self, limit: u32) -> Result<Vec<PendingEffect>, StoreError> {
        Ok(self.sql.read(move |connection| outbox::oldest(connection, limit)).await?)
    }

    async fn pending_effects_of(&self, user: UserId) -> Result<Vec<PendingEffect>, StoreError> {
        Ok(self.sql.read(move |connection| outbox::of_user(connection, user)).await?)
    }

    async fn effect_applied(&self, id: i64) -> Result<(), StoreError> {
        Ok(self.sql.write_repeatable(move |connection| Ok(outbox::remove(connection, id)?)).await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.sql.ping().await?)
    }
}

fn account(connection: &mut AnyConnection, id: UserId) -> Result<Option<Account>, SqlError> {
    let row = users::table.find(id.to_string()).select(UserRow::as_select()).first(connection);
    row.optional()?.map(Account::try_from).transpose()
}

/// Whether `administrator` is one, until the transaction ends. Locks both rows.
fn may_change(connection: &mut AnyConnection, administrator: UserId, id: UserId) -> Result<bool, SqlError> {
    // In the order of their ids, so that two who change each other do not wait for each other for ever.
    for user in [administrator.min(id), administrator.max(id)] {
        lock(connection, user)?;
    }
    Ok(account(connection, administrator)?.is_some_and(|asking| asking.user.is_administrator()))
}

/// `false` when there is no such user.
fn enable(connection: &mut AnyConnection, id: UserId, event: &AuditEvent) -> Result<bool, SqlError> {
    let user = users::table.find(id.to_string());
    let found = diesel::update(user).set(users::disabled_at.eq(None::<i64>)).execute(connection)? == 1;
    if found {
        audit::insert(connection, event)?;
    }
    Ok(found)
}

/// Nobody else changes the user's row until the transaction ends.
fn lock(connection: &mut AnyConnection, id: UserId) -> Result<(), SqlError> {
    let untouched = diesel::update(users::table.find(id.to_string())).set(users::epoch.eq(users::epoch));
    Ok(untouched.execute(connection).map(drop)?)
}

/// Carries out `change` with what it means for the sessions and what the audit trail says of it.
fn commit(
    connection: &mut AnyConnection,
    id: UserId,
    change: &Change,
    effect: &Effect,
    event: &AuditEvent,
    now: Timestamp,
) -> Result<Option<PendingEffect>, SqlError> {
    let Some(epoch) = raise_epoch(connection, id, change, now)? else { return Ok(None) };
    audit::insert(connection, event)?;
    outbox::push(connection, id, epoch, effect, now).map(Some)
}

/// Carries out `change` and returns the new epoch; `None` when there is no such user in the state that it expects. Locks
/// the user's row until the transaction ends.
fn raise_epoch(
    connection: &mut AnyConnection,
    id: UserId,
    change: &Change,
    now: Timestamp,
) -> Result<Option<i64>, SqlError> {
    let user = users::table.find(id.to_string());
    let raised = users::epoch.eq(users::epoch + 1);
    let epoch = match change {
        Change::Password { expected, new } => diesel::update(user.filter(users::password.eq(expected.expose())))
            .set((users::password.eq(new.expose()), users::password_expires_at.eq(None::<i64>), raised))
            .returning(users::epoch)
            .get_result(connection),
        Change::TemporaryPassword { new, until } => diesel::update(user)
            .set((users::password.eq(new.expose()), users::password_expires_at.eq(until.micros()), raised))
            .returning(users::epoch)
            .get_result(connection),
        Change::Roles(roles) => diesel::update(user)
            .set((users::roles.eq(names::to_text(roles)), raised))
            .returning(users::epoch)
            .get_result(connection),
        Change::Disable => diesel::update(user)
            .set((users::disabled_at.eq(now.micros()), raised))
            .returning(users::epoch)
            .get_result(connection),
        Change::Delete => {
            let epoch = diesel::delete(user).returning(users::epoch).get_result::<i64>(connection).optional()?;
            let Some(epoch) = epoch else { return Ok(None) };
            deleted_users::push(connection, id, now)?;
            Ok(epoch + 1)
        }
        Change::SessionsOnly => diesel::update(user).set(raised).returning(users::epoch).get_result(connection),
    };
    Ok(epoch.optional()?)
}
