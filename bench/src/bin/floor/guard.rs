//! `GET /api/whoami`: not guarded, guarded by `common`, and guarded by `jsonwebtoken` alone.

use std::{net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer, Responder, Route,
    dev::Server,
    error::ErrorUnauthorized,
    http::header::AUTHORIZATION,
    web::{self, Data},
};
use common::{
    claims::{AccessClaims, Principal, User},
    clock::{Clock, SystemClock, Timestamp},
    jwe::{Encryption, JweKey, JweKeys},
    revocation::{Mirror, Policy, WhenCold, WhenStale},
    rng::SystemRng,
    verifier::{KeySet, Keys, Verifier, VerifyingKey},
};
use jsonwebtoken::Validation;

use super::{
    Broken,
    keys::{self, Pair},
    listening,
    tokens::{self, AUDIENCE, ISSUER},
    whoami::Answer,
};

/// 32 bytes.
const JWE_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// How many revoked sessions there are, where there are any.
const REVOKED: [u32; 2] = [10_000, 100_000];

pub async fn serve(folder: &Path) -> Result<(), Broken> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let now = clock.now();
    let pairs = keys::all()?;
    let jwe_key = JweKey::parse(&JWE_KEY.to_owned().into())?;
    for pair in &pairs {
        tokens::write(&folder.join(pair.name), pair, now, Some)?;
    }
    tokens::write(&folder.join("JWE"), &pairs[0], now, |token| jwe_key.encrypt(&token, &SystemRng))?;

    let verifier = |key: &VerifyingKey| -> Result<Verifier, Broken> {
        let keys = Keys::fixed(KeySet::new([key.clone()])?);
        Ok(Verifier::with_keys(ISSUER, AUDIENCE, keys, Arc::clone(&clock)))
    };
    let mut servers = vec![plain(now, 1)?];
    for pair in &pairs {
        let name = pair.name;
        servers.push(guarded(name.to_owned(), verifier(&pair.verifying)?)?);
        servers.push(guarded(format!("{name} without a cache"), verifier(&pair.verifying)?.without_cache())?);
        servers.push(jsonwebtoken_alone(pair)?);
        for revoked in REVOKED {
            let verifier = verifier(&pair.verifying)?.with_revocations(Arc::new(mirror(revoked, &clock)));
            servers.push(guarded(format!("{name}, {revoked} revoked"), verifier)?);
        }
    }
    let encrypted = || {
        Ok::<_, Broken>(
            verifier(&pairs[0].verifying)?.with_encryption(Encryption::Require(JweKeys::only(jwe_key.clone()))),
        )
    };
    servers.push(guarded("JWE".to_owned(), encrypted()?)?);
    servers.push(guarded("JWE without a cache".to_owned(), encrypted()?.without_cache())?);
    listening::until_told(servers).await
}

fn mirror(revoked: u32, clock: &Arc<dyn Clock>) -> Mirror {
    let day = Duration::from_hours(24);
    let policy = Policy { max_staleness: day, when_stale: WhenStale::Refuse, when_cold: WhenCold::Refuse };
    Mirror::new(policy, Arc::clone(clock)).knowing(&tokens::revoked(revoked, clock.now()), clock.now())
}

/// As many workers as there are processors: here it is the services' equal.
pub async fn serve_plain() -> Result<(), Broken> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    listening::until_told(vec![plain(SystemClock.now(), workers)?]).await
}

type Listening = Result<(String, std::net::SocketAddr, Server), Broken>;

fn plain(now: Timestamp, workers: usize) -> Listening {
    let Principal::User(user) = Principal::from(&AccessClaims::User(tokens::claims(0, now)?)) else {
        return Err("a user is no user".into());
    };
    listen("plain".to_owned(), workers, Data::new(user), || {
        web::get().to(async |user: Data<User>| web::Json(Answer::from(&**user)))
    })
}

fn guarded(name: String, verifier: Verifier) -> Listening {
    listen(name, 1, Data::new(verifier), || web::get().to(async |user: User| web::Json(Answer::from(&user))))
}

/// What a home-made middleware does: the key and the rules are made once, the token is decoded for each request.
fn jsonwebtoken_alone(pair: &Pair) -> Listening {
    let mut validation = Validation::new(pair.verifying.algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    let rules = Data::new((pair.verifying.decoding.clone(), validation));
    listen(format!("{} by jsonwebtoken alone", pair.name), 1, rules, || web::get().to(decoded))
}

async fn decoded(
    request: actix_web::HttpRequest,
    rules: Data<(jsonwebtoken::DecodingKey, Validation)>,
) -> actix_web::Result<impl Responder> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(|| ErrorUnauthorized("no token"))?;
    let decoded = jsonwebtoken::decode::<AccessClaims>(token, &rules.0, &rules.1).map_err(ErrorUnauthorized)?;
    match Principal::from(&decoded.claims) {
        Principal::User(user) => Ok(web::Json(Answer::from(&user))),
        Principal::Service(_) => Err(ErrorUnauthorized("not a user")),
    }
}

fn listen<D: Send + Sync + 'static>(name: String, workers: usize, data: Data<D>, route: fn() -> Route) -> Listening {
    let app = move || App::new().app_data(data.clone()).route("/api/whoami", route());
    let server = HttpServer::new(app).workers(workers).disable_signals().bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = server.addrs()[0];
    Ok((name, address, server.run()))
}
