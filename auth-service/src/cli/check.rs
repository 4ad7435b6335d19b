//! `check`: looks an installation over, before it is deployed or while it runs. Changes nothing.

use std::{net::SocketAddr, sync::Arc};

use clap::Args;
use common::{
    clock::{Clock, SystemClock},
    sql::{MigrateError, Sql},
    telemetry::healthcheck,
};

use super::{Failure, output, variables};
use crate::{
    config::Config,
    crypto::open_keys::KeyOpener,
    domain::diagnosis::{DATABASE, Finding, Level, REDIS, of_database, of_redis, worst},
    ports::{KeyStore, StoreError},
    storage::{
        redis::{NoFacts, redis_facts},
        sql::{SCHEMA, SqlKeys, database_facts},
    },
};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: CheckArgs) -> Result<(), Failure> {
    let config = Config::read(variables())?;
    let findings = examine(&config, &SystemClock).await;
    if args.json {
        output::json(&findings)?;
    } else {
        findings.iter().for_each(show);
    }
    match worst(&findings) {
        Level::Good | Level::Note => Ok(()),
        Level::Away => Err(Failure::Away),
        Level::Wrong => Err(Failure::Faults),
    }
}

fn show(Finding { level, subject, found, remedy }: &Finding) {
    let word = match level {
        Level::Good => "ok   ",
        Level::Note => "note ",
        Level::Away => "away ",
        Level::Wrong => "WRONG",
    };
    output::line(&format!("{word}  {subject}: {found}"));
    if let Some(remedy) = remedy {
        output::line(&format!("         {remedy}"));
    }
}

/// What there is to say of the installation that `config` describes, by this clock.
pub async fn examine(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = vec![Finding::good("settings", "understood")];
    findings.extend(issuer(&config.tokens.issuer));
    findings.extend(database(config, clock).await);
    findings.extend(redis(config, clock).await);
    findings.extend(running(config.listen.internal));
    findings
}

fn issuer(issuer: &str) -> Option<Finding> {
    let host = issuer.strip_prefix("http://")?;
    let local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host.starts_with(name));
    let found = format!("{issuer} is not encrypted: passwords and tokens can be read on their way");
    (!local).then(|| Finding::bad(Level::Note, "JWT_ISSUER", found, "Serve it over https, and say so in JWT_ISSUER."))
}

async fn database(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    if let Err(error) = SCHEMA.check(&config.database) {
        return vec![unusable(&error)];
    }
    let sql = match Sql::open(&config.database, "check") {
        Ok(sql) => sql,
        Err(error) => return vec![away(DATABASE, &error)],
    };
    let mut findings = vec![Finding::good(DATABASE, "has every migration")];
    match database_facts(&sql).await {
        Ok(facts) => findings.extend(of_database(&facts, clock.now())),
        Err(error) => findings.push(away(DATABASE, &error)),
    }
    findings.extend(signing_keys(config, &sql).await);
    findings
}

fn unusable(error: &MigrateError) -> Finding {
    let text = error.to_string();
    match error {
        MigrateError::Unavailable(reason) if reason.contains("authentication failed") => Finding::bad(
            Level::Wrong,
            DATABASE,
            "it refuses the user or the password",
            "Correct AUTH_DATABASE_URL, or the role in the database.",
        ),
        MigrateError::Unavailable(_) => away(DATABASE, error),
        MigrateError::Refused(_) | MigrateError::Failed(_) => Finding::bad(
            Level::Wrong,
            DATABASE,
            text,
            "Run `auth-service migrate` with the same settings. If it is another service's database, correct AUTH_DATABASE_URL.",
        ),
    }
}

fn away(subject: &'static str, error: &dyn std::fmt::Display) -> Finding {
    Finding::bad(Level::Away, subject, error.to_string(), "Start it, or correct its address; then check again.")
}

async fn signing_keys(config: &Config, sql: &Sql) -> Option<Finding> {
    const SUBJECT: &str = "signing keys";
    let masters = config.masters.as_ref()?;
    let ring = match SqlKeys::new(sql.clone()).load().await {
        Ok(ring) => ring,
        Err(StoreError::Unavailable(reason)) => return Some(away(SUBJECT, &reason)),
        Err(error) => {
            let remedy = "Restore the table signing_keys from a backup.";
            return Some(Finding::bad(Level::Wrong, SUBJECT, error.to_string(), remedy));
        }
    };
    Some(match KeyOpener::new(Arc::clone(masters)).open(&ring) {
        Ok(_) => Finding::good(SUBJECT, format!("{}, all of them can be decrypted", ring.keys.len())),
        Err(error) => Finding::bad(
            Level::Wrong,
            SUBJECT,
            error.to_string(),
            "Give the master key that they were encrypted under, as AUTH_MASTER_KEY or AUTH_MASTER_KEY_PREVIOUS.",
        ),
    })
}

async fn redis(config: &Config, clock: &dyn Clock) -> Vec<Finding> {
    let Some(url) = &config.redis else {
        return vec![Finding::good(REDIS, "not used: sessions are in the database")];
    };
    match redis_facts(url).await {
        Ok(servers) => servers.iter().flat_map(|facts| of_redis(facts, clock.now())).collect(),
        Err(error @ NoFacts::Refused) => {
            let remedy = "Correct user and password in REDIS_URL, or the ACL in Redis.";
            vec![Finding::bad(Level::Wrong, REDIS, error.to_string(), remedy)]
        }
        Err(error @ NoFacts::Forbidden) => {
            let remedy = "Allow `+info` and `+time` to the user of REDIS_URL (docs/operations.md, Redis).";
            vec![Finding::bad(Level::Wrong, REDIS, error.to_string(), remedy)]
        }
        Err(error @ NoFacts::Away(_)) => vec![away(REDIS, &error)],
    }
}

/// What only a running service knows.
fn running(internal: SocketAddr) -> Vec<Finding> {
    const SUBJECT: &str = "running service";
    let Ok(metrics) = healthcheck::get(internal, "/metrics") else {
        let found = format!("none answers at {internal}, so it is not known what its proxy does");
        let remedy = "Check again where it runs, and after the first requests through the gateway.";
        return vec![Finding::bad(Level::Note, SUBJECT, found, remedy)];
    };
    let distrusts = metrics.lines().any(|line| line == "auth_proxy_distrusted 1");
    vec![if distrusts {
        Finding::bad(
            Level::Wrong,
            SUBJECT,
            "a proxy with a private address sends X-Forwarded-For and is not trusted: no limit counts per address behind it",
            "Put the proxy's network into AUTH_TRUSTED_PROXIES; its address is in the log (`a proxy sends X-Forwarded-For`).",
        )
    } else {
        Finding::good(SUBJECT, "has met no proxy that it does not trust")
    }]
}
