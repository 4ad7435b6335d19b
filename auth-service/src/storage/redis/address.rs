//! Where Redis is: one server, a cluster, or a server that sentinels know.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, RedisError, RedisResult, TlsMode,
    cluster::ClusterClient,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};

use super::link::{CONNECT_TIMEOUT, Link, NODE_CONNECT_TIMEOUT, NODE_RESPONSE_TIMEOUT, RESPONSE_TIMEOUT, SEND_BUFFER};

/// How often a cluster is asked again, by itself, when a slot has moved or a node has gone. The deadline of the step
/// ends it earlier.
const CLUSTER_RETRIES: u32 = 5;

/// Milliseconds between two of these attempts.
const CLUSTER_RETRY_WAIT: (u64, u64) = (20, 100);

/// Why an address is refused. The address itself is not quoted, since it holds a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedisUrl {
    /// It is not one.
    #[error(
        "must look like redis://user:password@host:6379/0, redis+cluster://user:password@host1:6379,host2:6379 or \
         redis+sentinel://user:password@host1:26379,host2:26379/name, with rediss for TLS"
    )]
    NotUnderstood,
    /// `#insecure`: a connection that anybody may read is better asked for by its name.
    #[error("must not switch off the verification of certificates: trust the authority's certificate, or use redis://")]
    UnverifiedTls,
}

/// An address that has been understood. Nothing is connected yet.
pub(super) enum Address {
    /// `redis://…`: this server.
    Server(Client),
    /// `redis+cluster://…`: whichever node has the slot of a key. The nodes named are asked for the others.
    Cluster(ClusterClient),
    /// `redis+sentinel://…`: whichever server these sentinels call the primary at the time.
    Sentinel(SentinelClient),
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, InvalidRedisUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(InvalidRedisUrl::NotUnderstood)?;
        let server_scheme = scheme.split('+').next().unwrap_or_default();
        match scheme {
            "redis" | "rediss" => server(url),
            "redis+cluster" | "rediss+cluster" => cluster(&Nodes::parse(server_scheme, rest)?),
            "redis+sentinel" | "rediss+sentinel" => sentinel(&Nodes::parse(server_scheme, rest)?),
            _ => Err(InvalidRedisUrl::NotUnderstood),
        }
    }

    /// One attempt.
    pub(super) async fn connect(&mut self) -> RedisResult<Link> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_pipeline_buffer_size(SEND_BUFFER);
        match self {
            Self::Server(client) => {
                client.get_multiplexed_async_connection_with_config(&config).await.map(Link::ToServer)
            }
            Self::Cluster(client) => client.get_async_connection().await.map(Link::ToCluster),
            Self::Sentinel(client) => client.get_async_connection_with_config(&config).await.map(Link::ToServer),
        }
    }
}

fn server(url: &str) -> Result<Address, InvalidRedisUrl> {
    let client = Client::open(url).map_err(not_understood)?;
    match client.get_connection_info().addr() {
        ConnectionAddr::Tcp(..) | ConnectionAddr::TcpTls { insecure: false, .. } => Ok(Address::Server(client)),
        ConnectionAddr::TcpTls { insecure: true, .. } => Err(InvalidRedisUrl::UnverifiedTls),
        _ => Err(InvalidRedisUrl::NotUnderstood),
    }
}

fn cluster(nodes: &Nodes<'_>) -> Result<Address, InvalidRedisUrl> {
    if !matches!(nodes.path, "" | "/" | "/0") {
        return Err(InvalidRedisUrl::NotUnderstood);
    }
    let (min_wait, max_wait) = CLUSTER_RETRY_WAIT;
    let client = ClusterClient::builder(nodes.urls(nodes.credentials))
        .connection_timeout(NODE_CONNECT_TIMEOUT)
        .response_timeout(NODE_RESPONSE_TIMEOUT)
        .overall_response_timeout(None)
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(min_wait)
        .max_retry_wait(max_wait)
        .build();
    client.map(Address::Cluster).map_err(not_understood)
}

/// User and password are those of Redis; sentinels are asked without. The path is the name that they know it by, with
/// the database where it is not 0.
fn sentinel(nodes: &Nodes<'_>) -> Result<Address, InvalidRedisUrl> {
    let path = nodes.path.strip_prefix('/').ok_or(InvalidRedisUrl::NotUnderstood)?;
    let (name, database) = path.split_once('/').unwrap_or((path, "0"));
    if name.is_empty() {
        return Err(InvalidRedisUrl::NotUnderstood);
    }
    let sentinels = nodes.urls("").into_iter().map(|url| Ok(url.into_connection_info()?.addr().clone()));
    let sentinels = sentinels.collect::<RedisResult<Vec<_>>>().map_err(not_understood)?;
    // The library takes the credentials apart, and their percent signs.
    let server = format!("{}://{}host/{database}", nodes.scheme, nodes.credentials);
    let server = server.into_connection_info().map_err(not_understood)?;
    let settings = server.redis_settings();
    let mut builder = SentinelClientBuilder::new(sentinels, name, SentinelServerType::Master)
        .map_err(not_understood)?
        .set_client_to_redis_db(settings.db());
    if nodes.scheme == "rediss" {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
    }
    if let Some(user) = settings.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = settings.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    builder.build().map(Address::Sentinel).map_err(not_understood)
}

fn not_understood(_may_quote_the_password: RedisError) -> InvalidRedisUrl {
    InvalidRedisUrl::NotUnderstood
}

/// `user:password@host1:port1,host2:port2/path`, taken apart.
struct Nodes<'a> {
    scheme: &'a str,
    /// With the `@` at its end, or nothing.
    credentials: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
}

impl<'a> Nodes<'a> {
    fn parse(scheme: &'a str, text: &'a str) -> Result<Self, InvalidRedisUrl> {
        if text.contains('#') {
            return Err(InvalidRedisUrl::UnverifiedTls);
        }
        let (credentials, rest) = text.split_at(text.rfind('@').map_or(0, |at| at + 1));
        let (hosts, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let hosts: Vec<_> = hosts.split(',').collect();
        if hosts.iter().any(|host| host.is_empty()) || text.contains('?') {
            return Err(InvalidRedisUrl::NotUnderstood);
        }
        Ok(Self { scheme, credentials, hosts, path })
    }

    fn urls(&self, credentials: &str) -> Vec<String> {
        self.hosts.iter().map(|host| format!("{}://{credentials}{host}", self.scheme)).collect()
    }
}
