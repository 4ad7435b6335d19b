//! Other people's clients of OAuth: they find out from the metadata how the service is to be used, and use it.

use auth_service::{crypto::client_assertions::read_keys, service::manage_clients::NewCredential};
use common::clock::{Clock, SystemClock};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    auth::{
        answer::Answer,
        client::{ACCESS_TOKEN, rights},
        service::{Backend::Sqlite, Person, TestService, Tokens},
    },
    peers::{Code, free_port},
};

const AUDIENCE: &str = "resource-service";

#[derive(Debug, Clone, Copy)]
enum Library {
    Oauth4webapi,
    OpenidClient,
    Authlib,
}
use Library::{Authlib, Oauth4webapi, OpenidClient};

/// How a client shows who it is (RFC 7591, section 2).
#[derive(Debug, Clone, Copy)]
enum Method {
    Basic,
    Post,
    Ed25519,
    P256,
}

impl Method {
    /// The private key, where there is one. That of Ed25519 is the example of RFC 8037, appendix A.1.
    fn key(self) -> Option<Value> {
        match self {
            Self::Basic | Self::Post => None,
            Self::Ed25519 => Some(json!({
                "kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": "EdDSA",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            })),
            Self::P256 => Some(json!({
                "kty": "EC", "crv": "P-256", "kid": "two", "alg": "ES256",
                "x": "K9UvYMAxep-0MWXFCjOIbAM7BVg_2gNsJw4Gv6iDfvg", "y": "YRr88dVLnqRekQX0nhJA_1OUObTA8cOS2Zt77bRtmjg",
                "d": "30j-ByxJ6RrNfP1e5KOExBrE0bHHJtszP_hRnlwY_40",
            })),
        }
    }
}

/// auth-service, whose issuer is the address at which it is reached.
struct Server(TestService);

/// A client and what it knows of itself.
struct Client<'a> {
    server: &'a Server,
    library: Library,
    description: Value,
}

impl Server {
    async fn start() -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let issuer = format!("http://{address}");
        let settings = [
            ("AUTH_BIND", &*address),
            ("JWT_ISSUER", &issuer),
            ("AUTH_FIRST_PARTY_AUDIENCES", "resource-service,example"),
        ];
        Self(TestService::start_with(Sqlite, &settings).await)
    }

    /// The client `example`, whose service users' tokens are for.
    async fn client(&self, library: Library, method: Method) -> Client<'_> {
        let mut rights = rights("example");
        rights.scope = "notes:read notes:write".parse().unwrap();
        rights.audiences = vec![AUDIENCE.parse().unwrap()];
        let credential = match method.key() {
            None => NewCredential::NewSecret,
            Some(mut key) => {
                key.as_object_mut().unwrap().remove("d");
                NewCredential::Keys(read_keys(&key.to_string()).unwrap())
            }
        };
        let added = self.0.client_operator().add("example".parse().unwrap(), credential, rights).await;
        let secret = added.unwrap().1.map(|secret| secret.expose().to_owned());
        let description = match (method, method.key()) {
            (_, Some(key)) => json!({"id": "example", "method": "private_key_jwt", "key": key}),
            (Method::Post, None) => json!({"id": "example", "method": "client_secret_post", "secret": secret}),
            (_, None) => json!({"id": "example", "method": "client_secret_basic", "secret": secret}),
        };
        Client { server: self, library, description }
    }

    /// The client through which users log in: anybody can be it.
    fn public_client(&self, library: Library) -> Client<'_> {
        Client { server: self, library, description: json!({"id": "first-party", "method": "none"}) }
    }

    async fn logged_in(&self) -> (Person, Tokens) {
        let person = self.0.registered("ada").await;
        let tokens = self.0.log_in(&person).await;
        (person, tokens)
    }
}

impl Client<'_> {
    /// What the library says of its wish, or the error of the protocol.
    async fn ask(&self, wish: &str, mut given: Value) -> Result<Value, String> {
        let clock = &self.server.0.clock;
        // What a client signs is about its own time.
        clock.advance(SystemClock.now().since(clock.now()));
        given["wish"] = json!(wish);
        given["issuer"] = json!(self.server.0.public());
        given["client"] = self.description.clone();
        let code = match self.library {
            Oauth4webapi => Code::Node(include_str!("oauth4webapi.js")),
            OpenidClient => Code::Node(include_str!("openid_client.js")),
            Authlib => Code::Python(include_str!("authlib_client.py")),
        };
        code.answer(given).await
    }

    async fn is_active(&self, token: &str) -> bool {
        self.ask("introspect", json!({"token": token})).await.unwrap()["active"].as_bool().unwrap()
    }
}

#[rstest]
#[tokio::test]
async fn a_client_learns_from_the_metadata_where_everything_is(
    #[values(Oauth4webapi, OpenidClient, Authlib)] library: Library,
) {
    let server = Server::start().await;
    let metadata = server.public_client(library).ask("discover", json!({})).await.unwrap();
    for (name, path) in [
        ("issuer", ""),
        ("token_endpoint", "/oauth/token"),
        ("introspection_endpoint", "/oauth/introspect"),
        ("revocation_endpoint", "/oauth/revoke"),
        ("jwks_uri", "/.well-known/jwks.json"),
    ] {
        assert_eq!(metadata[name], format!("{}{path}", server.0.public()), "{metadata}");
    }
}

#[rstest]
#[tokio::test]
async fn a_client_gets_a_token_of_its_own(
    #[values(Oauth4webapi, OpenidClient, Authlib)] library: Library,
    #[values(Method::Basic, Method::Post, Method::Ed25519, Method::P256)] method: Method,
) {
    let server = Server::start().await;
    let client = server.client(library, method).await;
    let answer = client.ask("client_credentials", json!({"scope": "notes:read"})).await.unwrap();
    assert_eq!(answer["scope"], "notes:read");
    assert!(client.is_active(answer["access_token"].as_str().unwrap()).await);
    let refused = client.ask("client_credentials", json!({"scope": "users:deleted"})).await;
    assert_eq!(refused, Err("invalid_scope".to_owned()));
}

#[rstest]
#[tokio::test]
async fn a_client_with_a_wrong_secret_gets_nothing(
    #[values(Oauth4webapi, OpenidClient, Authlib)] library: Library,
    #[values(Method::Basic, Method::Post)] method: Method,
) {
    let server = Server::start().await;
    let mut client = server.client(library, method).await;
    client.description["secret"] = json!("lkc_wrong");
    let refused = client.ask("client_credentials", json!({"scope": "notes:read"})).await;
    assert_eq!(refused, Err("invalid_client".to_owned()));
}

#[rstest]
#[tokio::test]
async fn a_client_with_a_wrong_key_gets_nothing(
    #[values(Oauth4webapi, OpenidClient, Authlib)] library: Library,
    #[values(Method::Ed25519, Method::P256)] method: Method,
) {
    let server = Server::start().await;
    let mut client = server.client(library, method).await;
    let another = if let Method::P256 = method { Method::Ed25519 } else { Method::P256 };
    client.description["key"] = another.key().unwrap();
    let refused = client.ask("client_credentials", json!({"scope": "notes:read"})).await;
    assert_eq!(refused, Err("invalid_client".to_owned()));
}

#[rstest]
#[tokio::test]
async fn a_public_client_refreshes(#[values(Oauth4webapi, OpenidClient, Authlib)] library: Library) {
    let server = Server::start().await;
    let (client, (_, tokens)) = (server.public_client(library), server.logged_in().await);
    let answer = client.ask("refresh", json!({"token": tokens.refresh})).await.unwrap();
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap());
    assert_eq!(server.0.get_as(access, "/auth/me").await.status, 200);
    assert_eq!(server.0.refresh(refresh).await.status, 200);
    assert_eq!(client.ask("refresh", json!({"token": access})).await, Err("invalid_grant".to_owned()));
}

#[rstest]
#[tokio::test]
async fn a_client_exchanges_a_users_token(#[values(Oauth4webapi, OpenidClient, Authlib)] library: Library) {
    let server = Server::start().await;
    let (client, (_, tokens)) = (server.client(library, Method::Basic).await, server.logged_in().await);
    let form = |token: &str| {
        json!({"form": {
            "subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": AUDIENCE, "scope": "notes:read",
        }})
    };
    let answer = client.ask("exchange", form(&tokens.access)).await.unwrap();
    assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(answer["scope"], "notes:read");
    assert_eq!(answer.get("refresh_token"), None);
    let exchanged = answer["access_token"].as_str().unwrap();
    let told = client.ask("introspect", json!({"token": exchanged})).await.unwrap();
    assert_eq!((&told["active"], &told["act"]["sub"]), (&json!(true), &json!("example")), "{told}");
    let logout = server.0.request(reqwest::Method::POST, "/auth/logout").bearer_auth(&tokens.access);
    assert_eq!(Answer::of(logout).await.status, 204);
    assert!(!client.is_active(exchanged).await, "its session is over");
    assert!(client.ask("exchange", form(&tokens.access)).await.is_err());
}

#[rstest]
#[tokio::test]
async fn a_client_asks_about_a_token_and_revokes_it(
    #[values(Oauth4webapi, OpenidClient, Authlib)] library: Library,
    #[values(Method::Basic, Method::Post)] method: Method,
) {
    let server = Server::start().await;
    let client = server.client(library, method).await;
    let own = client.ask("client_credentials", json!({"scope": "notes:read"})).await.unwrap();
    let token = own["access_token"].as_str().unwrap();
    let told = client.ask("introspect", json!({"token": token})).await.unwrap();
    assert_eq!((&told["client_id"], &told["scope"]), (&json!("example"), &json!("notes:read")), "{told}");
    assert_eq!(client.ask("revoke", json!({"token": token})).await, Ok(Value::Null));
    assert!(!client.is_active(token).await);
    assert!(!client.is_active("no token").await);
    assert_eq!(client.ask("revoke", json!({"token": "no token"})).await, Ok(Value::Null), "RFC 7009, section 2.2");
}

#[rstest]
#[tokio::test]
async fn a_public_client_revokes_a_refresh_token_and_its_session_ends(
    #[values(Oauth4webapi, OpenidClient, Authlib)] library: Library,
) {
    let server = Server::start().await;
    let (client, (_, tokens)) = (server.public_client(library), server.logged_in().await);
    assert_eq!(client.ask("revoke", json!({"token": tokens.refresh})).await, Ok(Value::Null));
    assert_eq!(server.0.refresh(&tokens.refresh).await.code(), "login_required");
    assert_eq!(server.0.get_as(&tokens.access, "/auth/me").await.status, 401);
}
