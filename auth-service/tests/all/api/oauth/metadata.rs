//! Metadata (RFC 8414).

use crate::support::service::{Backend, TestService};

#[tokio::test]
async fn what_there_is_and_where_is_written_down() {
    let service = TestService::start(Backend::Sqlite).await;
    assert_snapshot!(service.get("/.well-known/oauth-authorization-server").await, @r#"
    200
    cache-control: public, max-age=300
    content-type: application/json
    {
      "grant_types_supported": [
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:token-exchange"
      ],
      "introspection_endpoint": "http://localhost:8080/oauth/introspect",
      "introspection_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
      ],
      "introspection_endpoint_auth_signing_alg_values_supported": [
        "EdDSA",
        "Ed25519",
        "ES256",
        "RS256"
      ],
      "issuer": "http://localhost:8080",
      "jwks_uri": "http://localhost:8080/.well-known/jwks.json",
      "response_types_supported": [],
      "revocation_endpoint": "http://localhost:8080/oauth/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none"
      ],
      "revocation_endpoint_auth_signing_alg_values_supported": [
        "EdDSA",
        "Ed25519",
        "ES256",
        "RS256"
      ],
      "service_documentation": "http://localhost:8080/docs",
      "token_endpoint": "http://localhost:8080/oauth/token",
      "token_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "none"
      ],
      "token_endpoint_auth_signing_alg_values_supported": [
        "EdDSA",
        "Ed25519",
        "ES256",
        "RS256"
      ]
    }
    "#);
    // This is no OpenID provider, and does not say so.
    assert_eq!(service.get("/.well-known/openid-configuration").await.status, 404);
}
