//! The words of `cargo xtask help`.

use std::ffi::OsStr;

pub const ALL: &str = "\
The tasks of this workspace.

Usage: cargo xtask <task> [options]

  up      build and start both services on SQLite behind nginx, and show how to call them
  down    stop what `up` has started
  test    run every test against private copies of Redis, PostgreSQL and nginx
  lint    format, clippy, licences and advisories of the dependencies, documentation
  e2e     drive the compose stack over HTTP
  bench   measure the services as they are released
  help    show this, or more about one task: `cargo xtask help up`

A missing program is installed with apt-get where that is allowed (as root, or with a sudo that asks nothing);
elsewhere the task says what to install. Everything the tasks make lies in .latchkey/ and target/.
";

pub const UP: &str = "\
Builds and starts both services on SQLite behind nginx, and shows how to call them.

Usage: cargo xtask up [--port PORT] [--detach]

  -p, --port PORT   the gateway's port [default: 8080]
  -d, --detach      return when everything is ready; `cargo xtask down` stops it
  -h, --help        show this

The other ports follow the gateway's: auth-service PORT+1, resource-service PORT+2, a guestbook behind the gateway's login
PORT+3, and for health and metrics PORT+1001 and PORT+1002. All of them listen on 127.0.0.1 only.

The first start makes random secrets and an admin's password in .latchkey/env and keeps them, like the data beside it:
stopping and starting again keeps users and logins. Another --port is another instance with its own secrets and data
in .latchkey/PORT/, so that two can run side by side. To begin anew, stop the instance and delete its folder.

Variables of the environment win over .latchkey/env (an empty one counts as unset), and NAME_FILE over NAME; only
ADMIN_USERNAME and ADMIN_PASSWORD are taken over into the file at the first start and count from there.
You may add any setting of the services to .latchkey/env. Where a service listens is decided by --port alone.

Logs are in .latchkey/log/. Without nginx the services are reached at their own ports.
";

pub const DOWN: &str = "\
Stops what `cargo xtask up` has started, gracefully, in the foreground or detached. Does nothing when nothing runs.

Usage: cargo xtask down [--port PORT]

  -p, --port PORT   the gateway's port of the instance to stop [default: 8080]
  -h, --help        show this
";

pub const TEST: &str = "\
Runs every test against private copies of Redis, PostgreSQL, nginx and Envoy, started on free ports and gone afterwards.

Usage: cargo xtask test [arguments for the test runner]

  cargo xtask test                    everything
  cargo xtask test refresh            the tests whose name contains `refresh`
  cargo xtask test -p auth-service    the tests of one package

The runner is cargo-nextest where it is installed, else `cargo test`. Its exit code is passed on.
The tests find the servers through LATCHKEY_TEST_REDIS_URL and LATCHKEY_TEST_POSTGRES_URL, and the programs to start
more of them through LATCHKEY_TEST_REDIS_SERVER, LATCHKEY_TEST_POSTGRES_BIN (a folder), LATCHKEY_TEST_NGINX and, once
installed into target/tools/, LATCHKEY_TEST_ENVOY. LATCHKEY_TEST_CHROMIUM is the browser in which they open pages.
Encrypted tokens are exchanged with jose and jwcrypto, which are installed once into target/tools/: LATCHKEY_TEST_NODE,
LATCHKEY_TEST_JOSE (a folder) and LATCHKEY_TEST_JWCRYPTO_PYTHON. So are clients of OAuth and Schemathesis, which talk to
the services, and Playwright, which drives the browser: LATCHKEY_TEST_NODE_CLIENTS (a folder) and
LATCHKEY_TEST_PYTHON_CLIENTS.
";

pub const LINT: &str = "\
Checks everything that can be checked without running it: `cargo fmt --check`, clippy with warnings as errors,
`cargo deny` (bans, licences, sources, and advisories when the advisory database can be fetched), `cargo doc`.

Usage: cargo xtask lint
";

pub const E2E: &str = "\
Drives the compose stack over HTTP, from the outside.

Usage: cargo xtask e2e [--gateway nginx|envoy] [--keep] [--no-build]

  --gateway GATEWAY   what stands in front [default: nginx]; with envoy, envoy/compose.yml is added
  --keep              leave the stack running
  --no-build          take the images of the run before
";

pub const BENCH: &str = "\
Measures the services as they are released (`--release`), as processes of their own on free ports.

Usage: cargo xtask bench BENCHMARK [--rounds N] [--seconds S] [--most SESSIONS] [--store STORE] [--out FILE]

  guard             what it costs to guard a route: against the same handler unguarded, jsonwebtoken alone, and peers
  gateways          what nginx and Envoy cost: guarded requests a second and their p50 and p99, with and without them
  refresh           rotations a second on each store, against a bare server that runs the same script, a peer, and Redis alone
  login             logins a second, against what bcrypt allows
  flood             what a flood of logins does to everybody else: p50 and p99 of refreshes and guarded requests
  growth            what becomes of it with many sessions, users, replicas and mirrors
  footprint         time to start, memory, sizes
  report            makes bench/RESULTS.md and its charts of what is in bench/results

  --rounds N        how often what is compared follows each other [default: 5]
  --seconds S       how long each of them is measured [default: 10]
  --store STORE     (flood) sqlite: nothing beside the services; redis: a private Redis and PostgreSQL [default: both in turn]
  --most SESSIONS   (growth) the largest number of sessions in a store, from 1000 on [default: 1000000, which takes half an hour]
  --out FILE        add a line of JSON for each number
  -h, --help        show this

docs/benchmarks.md says how it is measured. Nothing else should run on the machine meanwhile.
";

/// The text about one task; about all of them when there is no such task.
pub fn of(task: &OsStr) -> &'static str {
    match task.to_str() {
        Some("up") => UP,
        Some("down") => DOWN,
        Some("test") => TEST,
        Some("lint") => LINT,
        Some("e2e") => E2E,
        Some("bench") => BENCH,
        _ => ALL,
    }
}
