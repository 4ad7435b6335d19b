//! What it costs to guard a route: the same handler not guarded, guarded in every way that Latchkey offers, guarded by
//! `jsonwebtoken` alone, and guarded by others.

use std::{fs, path::Path, sync::Arc};

use crate::{
    arguments::Options,
    contest::{self, Contestant, Turn},
    failure::Failure,
    floor::Floor,
    load::Asker,
    peers::{self, Peer, Start},
    processors::Processors,
    report::Output,
    say,
    stop_request::StopRequest,
};

/// Clients at once: enough that the measured processor never waits for one.
const CLIENTS: usize = 32;

/// What everything is compared with.
const UNGUARDED: &str = "unguarded";

/// What peers are compared with.
const LATCHKEY: &str = "HS256";

const ALGORITHMS: [&str; 5] = ["HS256", "EdDSA", "ES256", "RS256", "JWE"];

/// A client that asks who it is.
struct WhoAmI {
    tokens: Arc<Vec<String>>,
    next: usize,
}

impl Asker for WhoAmI {
    fn ask(&mut self, request: &mut Vec<u8>) {
        let token = &self.tokens[self.next % self.tokens.len()];
        self.next += 1;
        request.extend_from_slice(b"GET /api/whoami HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ");
        request.extend_from_slice(token.as_bytes());
        request.extend_from_slice(b"\r\n\r\n");
    }

    fn take(&mut self, status: u16, _: &[u8]) -> bool {
        status == 200
    }
}

/// The tokens that the floor has written for one kind.
struct Tokens {
    one: Arc<Vec<String>>,
    many: Arc<Vec<String>>,
}

impl Tokens {
    fn read(folder: &Path, kind: &str) -> Result<Self, Failure> {
        let text = fs::read_to_string(folder.join(kind)).map_err(Failure::during("The tokens cannot be read"))?;
        let many: Vec<String> = text.lines().map(str::to_owned).collect();
        let one = Arc::new(many.iter().take(1).cloned().collect());
        Ok(Self { one, many: Arc::new(many) })
    }

    fn one_for_all<'a>(&self) -> Turn<'a> {
        turn(&self.one)
    }

    fn always_another<'a>(&self) -> Turn<'a> {
        turn(&self.many)
    }
}

/// Each client begins at another of the tokens.
fn turn<'a>(tokens: &Arc<Vec<String>>) -> Turn<'a> {
    let share = tokens.len() / CLIENTS;
    let asker = |place| WhoAmI { tokens: Arc::clone(tokens), next: place * share };
    contest::closed_loop((0..CLIENTS).map(asker).collect())
}

/// Measures, prints and writes what came out.
pub fn run(options: &Options) -> Result<(), Failure> {
    let stop = StopRequest::watch()?;
    let mut output = Output::begin(options)?;
    let processors = Processors::divide()?;
    let folder = tempfile::Builder::new()
        .prefix("latchkey-bench-tokens-")
        .tempdir()
        .map_err(Failure::during("A folder cannot be made"))?;
    say::line("Signing 100,000 tokens of each kind");
    let path = folder.path().display().to_string();
    let floor = processors.measured(|| Floor::start(options.programs.get("floor")?, &["guard", &path], None))?;

    let at = |server: &str, name: String, base: Option<&str>, turn| -> Result<_, Failure> {
        let (base, address) = (base.map(str::to_owned), floor.address(server)?);
        Ok(Contestant { name, base, address, process: floor.process(), turn })
    };
    let hs256 = Tokens::read(folder.path(), LATCHKEY)?;
    let mut contestants = vec![at("plain", UNGUARDED.to_owned(), None, hs256.one_for_all())?];
    for kind in ALGORITHMS {
        let tokens = Tokens::read(folder.path(), kind)?;
        let alone = format!("{kind} by jsonwebtoken alone");
        // There is no JWE in jsonwebtoken.
        let floor_of_cold = if floor.names().any(|name| name == alone) { &*alone } else { UNGUARDED };
        contestants.push(at(kind, kind.to_owned(), Some(UNGUARDED), tokens.one_for_all())?);
        let cold = format!("{kind}, 100,000 tokens");
        contestants.push(at(kind, cold, Some(floor_of_cold), tokens.always_another())?);
        let uncached = format!("{kind} without a cache");
        contestants.push(at(&uncached.clone(), uncached, Some(floor_of_cold), tokens.one_for_all())?);
        if floor_of_cold == alone {
            contestants.push(at(&alone, alone.clone(), Some(UNGUARDED), tokens.one_for_all())?);
        }
        let mirrors = floor.names().filter(|name| name.starts_with(kind) && name.ends_with("revoked"));
        for mirror in mirrors {
            contestants.push(at(mirror, mirror.to_owned(), Some(UNGUARDED), tokens.one_for_all())?);
        }
    }
    let mut running = Vec::new();
    for peer in Peer::GUARDING {
        let start = Start { programs: &options.programs, root: &options.root, redis_url: None };
        let service = processors.measured(|| peers::start(peer, &start, &stop))?;
        let (base, turn) = (Some(LATCHKEY.to_owned()), hs256.one_for_all());
        let (address, process) = (service.address, service.process());
        contestants.push(Contestant { name: peer.title().to_owned(), base, address, process, turn });
        running.push(service);
    }
    contest::hold("guard", &mut contestants, options.rounds, options.phase, &mut output, &stop)?;
    Ok(())
}
