//! Clients, and what they ask of `/oauth/…`.

use std::{sync::Arc, time::Duration};

use auth_service::{
    domain::{
        audit::Actor,
        client::{GrantType, Rights},
    },
    ports::SystemRng,
    service::manage_clients::{ClientOperator, NewCredential},
    storage::sql::SqlClients,
};
use common::{clock::Clock, scope::Scope};
use reqwest::Method;
use serde_json::Value;

use super::{answer::Answer, service::TestService};

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A client and its secret.
#[derive(Debug, Clone)]
pub struct TestClient {
    pub id: String,
    pub secret: String,
}

/// A client's rights that say nothing but its name, both grants, and five minutes.
pub fn rights(id: &str) -> Rights {
    Rights {
        grants: vec![GrantType::ClientCredentials, GrantType::TokenExchange],
        scope: Scope::default(),
        service: id.parse().unwrap(),
        audiences: Vec::new(),
        roles: Vec::new(),
        token_ttl: Duration::from_mins(5),
    }
}

impl TestService {
    /// What an operator's commands would do to the clients.
    pub fn client_operator(&self) -> ClientOperator {
        ClientOperator {
            clients: Arc::new(SqlClients::new(self.sql())),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            rng: Arc::new(SystemRng),
            actor: Actor::Operator,
            address: None,
        }
    }

    /// Adds a client with a secret.
    pub async fn client(&self, id: &str, change: impl FnOnce(&mut Rights)) -> TestClient {
        let mut rights = rights(id);
        change(&mut rights);
        let added = self.client_operator().add(id.parse().unwrap(), NewCredential::NewSecret, rights).await;
        let (_, secret) = added.unwrap();
        TestClient { id: id.to_owned(), secret: secret.unwrap().expose().to_owned() }
    }

    /// A form by a client that shows its secret by HTTP Basic.
    pub async fn form_as(&self, client: &TestClient, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).basic_auth(&client.id, Some(&client.secret));
        Answer::of(request.form(form)).await
    }

    /// A form by nobody in particular.
    pub async fn form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(self.request(Method::POST, path).form(form)).await
    }

    /// A token of the client's own.
    pub async fn own_token(&self, client: &TestClient) -> String {
        let answer = self.form_as(client, "/oauth/token", &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.member("access_token")
    }

    /// A token exchange, with what the form has beside the token.
    pub async fn exchange(&self, client: &TestClient, subject: &str, further: &[(&str, &str)]) -> Answer {
        let form = [("grant_type", TOKEN_EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS_TOKEN)];
        self.form_as(client, "/oauth/token", &[&form[..], further].concat()).await
    }

    /// What introspection says.
    pub async fn introspect(&self, client: &TestClient, token: &str) -> Value {
        let answer = self.form_as(client, "/oauth/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{answer}");
        serde_json::from_str(&answer.text).unwrap()
    }
}
