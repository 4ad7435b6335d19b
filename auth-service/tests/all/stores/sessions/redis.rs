//! What only Redis has: keys that expire, scripts that are forgotten, records that may be damaged, a server that may be
//! away while the service goes on.

use std::{
    io::Write,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use auth_service::{
    domain::{
        effect::{Effect, EndReason, PendingEffect},
        ids::UserId,
        session::{Mode, RevokedReason, Session},
    },
    ports::{Creation, RefreshOutcome, SessionStore, StoreError},
    storage::redis::{InvalidRedisUrl, RedisSessions},
};
use redis::{Commands, Connection};
use rstest::rstest;
use tokio::{runtime::Runtime, task::JoinSet};

use super::fixture::{
    DAY, DONE, NOW, RULES, first_token, known_session_of, new_known_session, new_secret, new_session, new_user,
    session_of,
};
use crate::support::{
    redis::{PrivateRedis, shared_connection, shared_sessions, short},
    wait::until,
};

const HOUR: Duration = Duration::from_hours(1);

fn session_key(session: &Session) -> String {
    format!("lk:{{{}}}:s:{}", short(session.user.0), short(session.id.0))
}

fn index_key(user: UserId) -> String {
    format!("lk:{{{}}}", short(user.0))
}

fn epoch_key(user: UserId) -> String {
    format!("lk:{{{}}}:epoch", short(user.0))
}

fn ending(user: UserId) -> PendingEffect {
    let effect = Effect::EndSessions { reason: EndReason::LogoutAll, except: None };
    PendingEffect { id: 1, user, epoch: 1, effect }
}

async fn created(store: &RedisSessions) -> Session {
    let session = new_session();
    assert_eq!(store.create(&session, NOW).await, Ok(DONE));
    session
}

/// Whether a key leaves within the minute before this time is over.
fn leaves_after(connection: &mut Connection, key: &str, time: Duration) -> bool {
    let left = Duration::from_millis(connection.pttl::<_, u64>(key).unwrap());
    left <= time && left > time.checked_sub(Duration::from_mins(1)).unwrap()
}

#[rstest]
#[case::nothing("")]
#[case::no_scheme("pass-word@host:6379")]
#[case::another_scheme("http://:pass-word@host")]
#[case::a_socket("unix:///pass-word")]
#[case::no_host("redis://")]
#[case::no_port("redis://:pass-word@host:port")]
#[case::no_database("redis://:pass-word@host/pass-word")]
#[case::a_cluster_without_a_host("redis+cluster://:pass-word@host:1,")]
#[case::a_cluster_with_a_database("redis+cluster://:pass-word@host:1/3")]
#[case::a_cluster_with_a_parameter("redis+cluster://:pass-word@host:1?db=3")]
#[case::sentinels_without_a_name("redis+sentinel://:pass-word@host:26379/")]
#[case::sentinels_without_a_path("redis+sentinel://:pass-word@host:26379")]
#[case::neither("redis+both://:pass-word@host:1/name")]
#[tokio::test]
async fn an_address_that_is_none_is_refused_and_not_quoted(#[case] url: &str) {
    let error = RedisSessions::connect(&url.into()).err().unwrap();
    assert_eq!(error, InvalidRedisUrl::NotUnderstood);
    assert!(!format!("{error} {error:?}").contains("pass-word"));
}

#[tokio::test]
async fn tls_without_verification_is_refused() {
    for url in ["rediss://host#insecure", "rediss+cluster://one,two#insecure", "rediss+sentinel://one/name#insecure"] {
        assert_eq!(RedisSessions::connect(&url.into()).err(), Some(InvalidRedisUrl::UnverifiedTls), "{url}");
    }
}

#[tokio::test]
async fn tls_is_spoken_and_a_server_that_does_not_speak_it_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rediss://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.accept().unwrap().0.write_all(b"-ERR this is no TLS\r\n").unwrap());
    let error = RedisSessions::connect(&url.into()).unwrap().ping().await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(cause) if !cause.contains("no answer")), "{error}");
}

#[tokio::test]
async fn an_address_is_taken_whether_anybody_answers_or_not() {
    for url in [
        "redis://127.0.0.1:1",
        "redis://user:p%40ss@host/3",
        "rediss://user:pass@[::1]:6380/0",
        "redis+cluster://host",
        "rediss+cluster://user:p%40ss@one:7000,[::1]:7001",
        "redis+sentinel://one,two:26380/name",
        "rediss+sentinel://user:p%40ss@one:26379/name/3",
    ] {
        assert!(RedisSessions::connect(&url.into()).is_ok(), "{url}");
    }
}

#[tokio::test]
async fn what_has_expired_leaves_redis_an_hour_later() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = created(&store).await;
    assert!(leaves_after(&mut connection, &session_key(&session), 30 * DAY + HOUR));
    assert!(leaves_after(&mut connection, &index_key(session.user), 90 * DAY + HOUR));

    store.refresh(session.user, session.id, &first_token(&session), NOW + DAY, RULES).await.unwrap();
    assert!(leaves_after(&mut connection, &session_key(&session), RULES.idle_ttl + HOUR));

    let (known, secret) = new_known_session();
    store.create(&known, NOW).await.unwrap();
    store.visit(known.user, known.id, &secret, NOW + DAY, 2 * DAY).await.unwrap();
    assert!(leaves_after(&mut connection, &session_key(&known), 2 * DAY + HOUR));

    let short = Session { absolute_expiry: NOW + HOUR, ..session_of(session.user) };
    store.create(&short, NOW).await.unwrap();
    assert!(leaves_after(&mut connection, &session_key(&short), 2 * HOUR));
    assert!(leaves_after(&mut connection, &index_key(session.user), 90 * DAY + HOUR), "the longest decides");

    store.apply(&ending(session.user), NOW).await.unwrap();
    assert!(leaves_after(&mut connection, &session_key(&session), RULES.idle_ttl + HOUR), "a revoked one stays");
    assert!(leaves_after(&mut connection, &epoch_key(session.user), DAY));
}

#[tokio::test]
async fn there_is_no_key_that_does_not_leave_by_itself() {
    let server = PrivateRedis::start();
    let (store, mut connection) = (server.sessions(), server.connection());
    for mode in [Mode::Bearer, Mode::AccessOnly] {
        let first = Session { mode, ..new_session() };
        for session in [first.clone(), Session { mode, ..session_of(first.user) }] {
            store.create(&session, NOW).await.unwrap();
        }
        store.refresh(first.user, first.id, &first_token(&first), NOW, RULES).await.unwrap();
        store.reauthenticated(first.user, first.id, NOW).await.unwrap();
        store.revoke(first.user, first.id, RevokedReason::Logout, NOW).await.unwrap();
        store.apply(&ending(first.user), NOW).await.unwrap();
        let (known, secret) = known_session_of(first.user);
        let known = Session { epoch: 1, ..known };
        store.create(&known, NOW).await.unwrap();
        store.renew_secret(known.user, known.id, &secret, &new_secret(), NOW).await.unwrap();
        store.visit(known.user, known.id, &secret, NOW + DAY, RULES.idle_ttl).await.unwrap();
    }
    let mut keys: Vec<String> = connection.keys("*").unwrap();
    // One for a millisecond.
    keys.retain(|key| !key.ends_with(":fence"));
    assert_eq!(
        keys.len(),
        2 * 5 + 2,
        "of each user three sessions, index and epoch; the revocation log and its epoch: {keys:?}"
    );
    for key in keys {
        assert!(connection.pttl::<_, i64>(&key).unwrap() > 0, "{key}");
    }
}

#[tokio::test]
async fn the_index_forgets_what_is_over() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let over = Session { absolute_expiry: NOW + HOUR, ..new_session() };
    store.create(&over, NOW).await.unwrap();
    let revoked = session_of(over.user);
    store.create(&revoked, NOW).await.unwrap();
    store.revoke(over.user, revoked.id, RevokedReason::Logout, NOW).await.unwrap();
    let new = session_of(over.user);
    store.create(&new, NOW + 2 * HOUR).await.unwrap();
    let index: Vec<String> = connection.zrange(index_key(over.user), 0, -1).unwrap();
    assert_eq!(index, [short(new.id.0)]);
}

#[tokio::test]
async fn a_refresh_a_visit_and_a_renewal_are_one_round_trip_each() {
    let server = PrivateRedis::start();
    let store = server.sessions();
    let session = created(&store).await;
    let token = first_token(&session);
    one_round_trip(&server, || async {
        store.refresh(session.user, session.id, &token, NOW, RULES).await.unwrap();
    })
    .await;
    let (known, secret) = new_known_session();
    store.create(&known, NOW).await.unwrap();
    // Noted the first time only.
    one_round_trip(&server, || async {
        store.visit(known.user, known.id, &secret, NOW + DAY, RULES.idle_ttl).await.unwrap();
    })
    .await;
    one_round_trip(&server, || async {
        store.renew_secret(known.user, known.id, &secret, &new_secret(), NOW).await.unwrap();
    })
    .await;
}

async fn one_round_trip<F: Future<Output = ()>>(server: &PrivateRedis, request: impl Fn() -> F) {
    // Redis learns the script.
    request().await;
    let mut connection = server.connection();
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut connection).unwrap();
    request().await;
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut connection).unwrap();
    let calls = |command: &str| {
        let name = format!("cmdstat_{command}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&name))?;
        line.split(',').next()?.parse::<u32>().ok()
    };
    assert_eq!(calls("evalsha"), Some(1), "{stats}");
    for other in ["eval", "script|load", "multi", "ping"] {
        assert_eq!(calls(other), None, "{stats}");
    }
}

#[tokio::test]
async fn a_redis_that_has_forgotten_the_scripts_learns_them_again() {
    let server = PrivateRedis::start();
    let store = server.sessions();
    let mut connection = server.connection();
    let mut forget = || redis::cmd("SCRIPT").arg("FLUSH").exec(&mut connection).unwrap();
    forget();
    let session = created(&store).await;
    for _ in 0..2 {
        forget();
        assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(session.clone())));
        forget();
        let outcome = store.refresh(session.user, session.id, &first_token(&session), NOW, RULES).await.unwrap();
        assert!(matches!(outcome, RefreshOutcome::Granted { .. }), "{outcome:?}");
    }
    let (known, secret) = known_session_of(session.user);
    store.create(&known, NOW).await.unwrap();
    forget();
    assert_eq!(store.visit(known.user, known.id, &secret, NOW, RULES.idle_ttl).await, Ok(Some(known.clone())));
    forget();
    assert_eq!(store.renew_secret(known.user, known.id, &secret, &new_secret(), NOW).await, Ok(true));
    forget();
    store.apply(&ending(session.user), NOW).await.unwrap();
    assert_eq!(store.list(session.user, NOW).await, Ok(Vec::new()));
}

#[rstest]
#[case::mode("m", "cookies")]
#[case::scope("s", "a  b")]
#[case::roles("r", "{}")]
#[case::roles("r", "No Role")]
#[case::roles("r", "admin  on-call")]
#[case::current("c", "AAAAAAAAAAAAAAAAAAAAA=")]
#[case::current("c", "AAAAAAAAAAAAAAAAAAAAAB")]
#[case::address("n", "here")]
#[case::revoked("rev", "whim")]
#[case::generation("g", "-1")]
#[case::generation("g", "4294967296")]
#[case::epoch("e", "0x10")]
#[case::idle_expiry("u", "1e+15")]
#[case::absolute_expiry("x", "nan")]
#[case::created_at("i", "")]
#[case::authenticated_at("t", "")]
#[tokio::test]
async fn a_field_that_cannot_be_understood_is_named_with_its_key(#[case] field: &str, #[case] content: &str) {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = created(&store).await;
    let key = session_key(&session);
    connection.hset::<_, _, _, ()>(&key, field, content).unwrap();
    let inconsistent = Err(StoreError::Inconsistent(format!("the field {field} of {key}")));
    assert_eq!(store.find(session.user, session.id, NOW).await, inconsistent);
    let refreshed = store.refresh(session.user, session.id, &first_token(&session), NOW, RULES).await;
    assert!(matches!(refreshed, Err(StoreError::Inconsistent(_))), "{refreshed:?}");
}

#[rstest]
#[tokio::test]
async fn a_record_with_a_field_missing_is_no_session(#[values("c", "g", "x", "u")] field: &str) {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let (damaged, whole) = (created(&store).await, session_of(new_session().user));
    let (user, id, key) = (damaged.user, damaged.id, session_key(&damaged));
    let whole = Session { user, ..whole };
    store.create(&whole, NOW).await.unwrap();
    connection.hdel::<_, _, ()>(&key, field).unwrap();
    let before: Vec<(String, String)> = connection.hgetall(&key).unwrap();

    let inconsistent = StoreError::Inconsistent(key.clone());
    let refreshed = store.refresh(user, id, &first_token(&damaged), NOW, RULES).await;
    assert_eq!(refreshed, Err(inconsistent.clone()));
    assert_eq!(store.revoke(user, id, RevokedReason::Logout, NOW).await, Err(inconsistent.clone()));
    assert_eq!(store.reauthenticated(user, id, NOW).await, Err(inconsistent));
    assert_eq!(store.apply(&ending(user), NOW).await, Ok(()), "the others do not wait for it");
    assert_eq!(store.find(user, whole.id, NOW).await, Ok(None));
    assert_eq!(connection.hgetall::<_, Vec<(String, String)>>(&key).unwrap(), before, "nothing was written");
}

#[tokio::test]
async fn a_session_that_has_lost_its_epoch_is_older_than_any_change() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = Session { epoch: 5, ..new_session() };
    store.create(&session, NOW).await.unwrap();
    connection.hdel::<_, _, ()>(session_key(&session), "e").unwrap();
    let lost = Session { epoch: 0, ..session.clone() };
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(lost)));
    assert_eq!(store.apply(&ending(session.user), NOW).await, Ok(()));
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(None));
}

#[tokio::test]
async fn roles_that_were_taken_are_gone_for_good() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = created(&store).await;
    let taken = PendingEffect { id: 1, user: session.user, epoch: 1, effect: Effect::SetRoles { roles: Vec::new() } };
    assert_eq!(store.apply(&taken, NOW).await, Ok(()));
    let without = Session { epoch: 1, roles: Vec::new(), ..session.clone() };
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(without)));
    assert_eq!(connection.hget(session_key(&session), "r"), Ok(Some(String::new())));
}

#[tokio::test]
async fn a_usual_session_is_a_listpack_in_redis() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = Session { roles: Vec::new(), address: Some("203.0.113.217".parse().unwrap()), ..new_session() };
    store.create(&session, NOW).await.unwrap();
    store.refresh(session.user, session.id, &first_token(&session), NOW + DAY, RULES).await.unwrap();
    let key = session_key(&session);
    let encoding: String = redis::cmd("OBJECT").arg("ENCODING").arg(&key).query(&mut connection).unwrap();
    assert_eq!(encoding, "listpack");
    let content: Vec<String> = connection.hgetall(&key).unwrap();
    assert_eq!((content.len(), content.iter().map(String::len).sum::<usize>()), (2 * 11, 166), "{content:?}");
}

#[rstest]
#[case::short("sec", "AAAA")]
#[case::not_canonical("sec", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
#[case::nothing("sec", "")]
#[case::padded("old", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
#[case::not_canonical("old", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
#[case::too_long("old", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
#[case::mode("m", "cookies")]
#[case::scope("s", "a  b")]
#[tokio::test]
async fn a_session_with_a_secret_that_cannot_be_understood_is_an_error_for_everybody(
    #[case] field: &str,
    #[case] content: &str,
) {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let (session, secret) = new_known_session();
    store.create(&session, NOW).await.unwrap();
    let (user, id, key) = (session.user, session.id, session_key(&session));
    connection.hset::<_, _, _, ()>(&key, field, content).unwrap();
    let inconsistent = StoreError::Inconsistent(format!("the field {field} of {key}"));
    for secret in [secret, new_secret()] {
        assert_eq!(store.visit(user, id, &secret, NOW, RULES.idle_ttl).await, Err(inconsistent.clone()));
        let renewed = store.renew_secret(user, id, &secret, &new_secret(), NOW).await;
        assert_eq!(renewed, Err(inconsistent.clone()));
    }
    assert_eq!(store.find(user, id, NOW).await, Err(inconsistent));
}

#[rstest]
#[case::a_known_one_without_a_secret(Mode::Session, &["sec"], &[])]
#[case::a_known_one_of_another_mode(Mode::Session, &[], &[("m", "cookie")])]
#[case::another_one_with_a_secret(Mode::Cookie, &[], &[("sec", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")])]
#[case::another_one_that_says_it_is_known(Mode::Cookie, &[], &[("m", "session")])]
#[case::a_previous_secret_alone(
    Mode::Cookie, &[], &[("old", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
)]
#[tokio::test]
async fn a_session_has_secrets_exactly_where_its_mode_says_so(
    #[case] mode: Mode,
    #[case] lost: &[&str],
    #[case] written: &[(&str, &str)],
) {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let (known, secret) = new_known_session();
    let session = if mode == Mode::Session { known } else { Session { mode, ..new_session() } };
    store.create(&session, NOW).await.unwrap();
    let (user, id, key) = (session.user, session.id, session_key(&session));
    for field in lost {
        connection.hdel::<_, _, ()>(&key, field).unwrap();
    }
    for (field, content) in written {
        connection.hset::<_, _, _, ()>(&key, field, content).unwrap();
    }
    let inconsistent = StoreError::Inconsistent(format!("the field sec of {key}"));
    assert_eq!(store.find(user, id, NOW).await, Err(inconsistent.clone()));
    assert_eq!(store.visit(user, id, &secret, NOW, RULES.idle_ttl).await, Err(inconsistent.clone()));
    assert_eq!(store.renew_secret(user, id, &secret, &new_secret(), NOW).await, Err(inconsistent));
}

#[tokio::test]
async fn a_session_of_another_mode_has_no_fields_for_secrets() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = created(&store).await;
    let fields: Vec<String> = connection.hkeys(session_key(&session)).unwrap();
    assert!(!fields.iter().any(|field| ["sec", "old"].contains(&field.as_str())), "{fields:?}");
    assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(session)));
}

#[tokio::test]
async fn an_epoch_that_is_no_number_is_named() {
    let (store, mut connection) = (shared_sessions(), shared_connection());
    let session = new_session();
    connection.set::<_, _, ()>(epoch_key(session.user), "newest").unwrap();
    let inconsistent = StoreError::Inconsistent(epoch_key(session.user));
    assert_eq!(store.create(&session, NOW).await, Err(inconsistent.clone()));
    assert_eq!(store.apply(&ending(session.user), NOW).await, Err(inconsistent));
}

#[tokio::test]
async fn thousands_of_requests_may_wait_at_once() {
    let store = std::sync::Arc::new(shared_sessions());
    let session = created(&store).await;
    let mut tasks = JoinSet::new();
    for _ in 0..3_000 {
        let (store, user, id) = (std::sync::Arc::clone(&store), session.user, session.id);
        let token = first_token(&session);
        tasks.spawn(async move { store.refresh(user, id, &token, NOW, RULES).await.map(drop) });
    }
    assert!(tasks.join_all().await.into_iter().all(|outcome| outcome == Ok(())));
}

#[test]
fn the_connection_does_not_end_with_the_runtime_that_used_it_first() {
    let main = Runtime::new().unwrap();
    let store = main.block_on(async { shared_sessions() });
    for _ in 0..2 {
        // Like a worker, that comes and goes.
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(Runtime::new().unwrap().block_on(store.ping()), Ok(())));
        });
    }
    assert_eq!(main.block_on(store.ping()), Ok(()));
}

/// So many, beside the one for the disk and the one that asks.
async fn has_connections(server: &PrivateRedis, number: usize) {
    let mut connection = server.connection();
    let mut list = || redis::cmd("CLIENT").arg(&["LIST", "TYPE", "normal"]).query::<String>(&mut connection).unwrap();
    until("one for each runtime", async || list().lines().count() == number + 2).await;
}

#[test]
fn each_runtime_has_its_own_connection_and_finds_redis_again_by_itself() {
    let mut server = PrivateRedis::start();
    let [main, worker] = [(); 2].map(|()| Runtime::new().unwrap());
    let store = main.block_on(async { server.sessions() });
    assert_eq!(main.block_on(store.ping()), Ok(()));
    main.block_on(has_connections(&server, 1));
    assert_eq!(worker.block_on(store.ping()), Ok(()));
    main.block_on(has_connections(&server, 2));

    for end in [PrivateRedis::stop, PrivateRedis::kill] {
        end(&mut server);
        for runtime in [&main, &worker] {
            let away = runtime.block_on(store.ping());
            assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
        }
        server.start_again();
        for runtime in [&main, &worker] {
            runtime.block_on(created(&store));
        }
    }
}

async fn assert_unavailable_within_a_second(store: &RedisSessions) {
    let session = new_session();
    let (user, id, token) = (session.user, session.id, first_token(&session));
    let (secret, new) = (new_secret(), new_secret());
    let begun = Instant::now();
    let (created, refreshed, visited, renewed, applied, ping) = tokio::join!(
        store.create(&session, NOW),
        store.refresh(user, id, &token, NOW, RULES),
        store.visit(user, id, &secret, NOW, RULES.idle_ttl),
        store.renew_secret(user, id, &secret, &new, NOW),
        async { store.apply(&ending(user), NOW).await },
        store.ping(),
    );
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    for error in [created.err(), refreshed.err(), visited.err(), renewed.err(), applied.err(), ping.err()] {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
}

#[tokio::test]
async fn while_redis_is_away_calls_say_so_within_a_second_and_then_go_on() {
    let mut server = PrivateRedis::start();
    server.stop();
    // The service starts before Redis does.
    let store = server.sessions();
    for end in [PrivateRedis::stop, PrivateRedis::kill] {
        for _ in 0..3 {
            assert_unavailable_within_a_second(&store).await;
        }
        server.start_again();
        let session = created(&store).await;
        assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(session)));
        end(&mut server);
    }
}

#[tokio::test]
async fn after_a_restart_of_redis_not_one_call_fails_and_no_session_is_lost() {
    let mut server = PrivateRedis::start();
    let store = server.sessions();
    for end in [PrivateRedis::stop, PrivateRedis::kill] {
        let session = created(&store).await;
        end(&mut server);
        server.start_again();
        assert_eq!(store.find(session.user, session.id, NOW).await, Ok(Some(session.clone())));
        let outcome = store.refresh(session.user, session.id, &first_token(&session), NOW, RULES).await.unwrap();
        assert!(matches!(outcome, RefreshOutcome::Granted { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_redis_that_says_nothing_any_more_is_unavailable_until_it_does() {
    let server = PrivateRedis::start();
    let store = server.sessions();
    created(&store).await;
    server.freeze();
    for _ in 0..2 {
        assert_unavailable_within_a_second(&store).await;
    }
    server.thaw();
    created(&store).await;
}

#[tokio::test]
async fn a_password_that_is_put_right_in_redis_needs_no_restart_and_is_in_no_error() {
    let server = PrivateRedis::start();
    let store = RedisSessions::connect(&server.url_for("", "the-next-password")).unwrap();
    assert_unavailable_within_a_second(&store).await;
    let error = store.ping().await.unwrap_err().to_string();
    assert!(!error.contains("the-next-password"), "{error}");
    let mut connection = server.connection();
    let set = redis::cmd("CONFIG").arg(&["SET", "requirepass", "the-next-password"]).exec(&mut connection);
    assert_eq!(set, Ok(()));
    created(&store).await;
}

#[tokio::test]
async fn a_user_with_no_more_rights_than_these_will_do_and_may_go_and_come_back() {
    let server = PrivateRedis::start();
    let mut connection = server.connection();
    let commands = "+ping +time +xadd +xrange +eval +evalsha +exists +get +set +hset +hmget +pexpire +pttl +zadd +zrem +zrange \
                    +zremrangebyscore";
    let mut allow = redis::cmd("ACL");
    allow.arg(&["SETUSER", "auth", "reset", "on", ">for-auth-alone", "~lk:*"]);
    allow.arg(commands.split_whitespace().collect::<Vec<_>>());
    allow.exec(&mut connection).unwrap();
    let store = RedisSessions::connect(&server.url_for("auth", "for-auth-alone")).unwrap();
    let session = created(&store).await;
    let (user, id) = (session.user, session.id);
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.list(user, NOW).await, Ok(vec![session.clone()]));
    assert_eq!(store.reauthenticated(user, id, NOW).await, Ok(true));
    assert!(store.refresh(user, id, &first_token(&session), NOW, RULES).await.is_ok());
    let ((known, secret), new) = (known_session_of(user), new_secret());
    store.create(&known, NOW).await.unwrap();
    assert_eq!(store.renew_secret(user, known.id, &secret, &new, NOW).await, Ok(true));
    assert!(store.visit(user, known.id, &new, NOW, RULES.idle_ttl).await.is_ok_and(|visited| visited.is_some()));
    assert_eq!(store.apply(&ending(user), NOW).await, Ok(()));

    redis::cmd("ACL").arg(&["DELUSER", "auth"]).exec(&mut connection).unwrap();
    assert_unavailable_within_a_second(&store).await;
    allow.exec(&mut connection).unwrap();
    created(&store).await;
}

#[tokio::test]
async fn nothing_ends_that_cannot_be_announced() {
    let server = PrivateRedis::start();
    let (store, user) = (server.sessions(), new_user());
    let mut sessions = Vec::new();
    for age in (0..50).rev() {
        let session = Session { created_at: NOW - Duration::from_secs(age), ..session_of(user) };
        store.create(&session, NOW).await.unwrap();
        sessions.push(session);
    }
    // The log is something else.
    redis::cmd("SET").arg(&["lk:{revocations}", "x"]).exec(&mut server.connection()).unwrap();
    let oldest = &sessions[0];
    assert!(store.revoke(user, oldest.id, RevokedReason::Logout, NOW).await.is_err());
    assert!(store.create(&session_of(user), NOW).await.is_err());
    assert!(store.apply(&ending(user), NOW).await.is_err());
    assert_eq!(store.list(user, NOW).await.unwrap().len(), 50);

    redis::cmd("DEL").arg("lk:{revocations}").exec(&mut server.connection()).unwrap();
    let created = store.create(&Session { epoch: 1, ..session_of(user) }, NOW).await;
    assert_eq!(created, Ok(Creation::Done { ended: vec![oldest.id] }));
}
