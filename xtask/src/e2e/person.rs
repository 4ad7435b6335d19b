//! Somebody with a password, and a login of theirs.

use serde_json::json;

use super::client::{Answer, Client, text};
use crate::Failure;
use crate::secrets;

pub struct Person {
    pub username: String,
    pub password: String,
}

pub struct Login {
    pub access_token: String,
    pub refresh_token: String,
}

impl Person {
    /// A name and a password that nobody else has.
    pub fn invent(client: &Client) -> Result<Self, Failure> {
        let username = format!("e2e-{}", secrets::password()?);
        let password = secrets::password()?;
        client.remember(&password);
        Ok(Self { username, password })
    }

    pub fn register(client: &Client) -> Result<Self, Failure> {
        let person = Self::invent(client)?;
        let body = json!({ "username": person.username, "password": person.password });
        client.post("/auth/register", None, &body)?.expect(201)?;
        Ok(person)
    }

    pub fn ask_for_login(&self, client: &Client) -> Result<Answer, Failure> {
        client.post("/auth/login", None, &json!({ "username": self.username, "password": self.password }))
    }

    pub fn log_in(&self, client: &Client) -> Result<Login, Failure> {
        Login::read(client, &self.ask_for_login(client)?)
    }
}

impl Login {
    pub fn read(client: &Client, answer: &Answer) -> Result<Self, Failure> {
        let body = answer.expect(200)?;
        let login = Self { access_token: text(&body, "access_token")?, refresh_token: text(&body, "refresh_token")? };
        client.remember(&login.access_token);
        client.remember(&login.refresh_token);
        Ok(login)
    }

    pub fn ask_for_refresh(&self, client: &Client) -> Result<Answer, Failure> {
        client.post("/auth/refresh", None, &json!({ "refresh_token": self.refresh_token }))
    }

    /// What this login is from now on.
    pub fn refresh(&self, client: &Client) -> Result<Self, Failure> {
        Self::read(client, &self.ask_for_refresh(client)?)
    }
}
