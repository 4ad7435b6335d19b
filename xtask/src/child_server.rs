//! A server that lives no longer than this process, even when this process is killed.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::process::tail;
use crate::stop_request::StopRequest;

/// A shell starts the server and reads our pipe. The pipe closes when we close it and when we die, however we die; then the
/// shell stops the server and removes its folder. In the order of the arguments: folder, signal, the server's words.
const WARDEN: &str = r#"
dir=$1 signal=$2; shift 2
exec 3<&0
"$@" >"$dir/log" 2>&1 </dev/null 3<&- &
server=$!
(cat <&3 >/dev/null; : >"$dir/asked"; kill -s "$signal" "$server" 2>/dev/null) &
watcher=$!
wait "$server"
status=$?
if [ -e "$dir/asked" ]; then rm -rf "$dir"; else kill "$watcher"; fi
exit "$status"
"#;

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The user a server runs as, where it must not be this one.
#[derive(Clone, Copy)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

/// A folder for one server alone, under the system's folder for temporary files.
pub fn make_dir(name: &str, user: Option<User>) -> Result<PathBuf, Failure> {
    let dir = std::env::temp_dir().join(format!("latchkey-test-{name}-{}", std::process::id()));
    let made = || -> io::Result<()> {
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        DirBuilder::new().mode(0o700).create(&dir)?;
        user.map_or(Ok(()), |user| chown(&dir, Some(user.uid), Some(user.gid)))
    };
    made().map_err(|error| Failure::new(format!("{} cannot be made: {error}.", dir.display())))?;
    Ok(dir)
}

pub struct ChildServer {
    name: &'static str,
    warden: Child,
    dir: PathBuf,
    keeps_dir: bool,
}

impl ChildServer {
    /// `signal` is the one that ends the server soonest without leaving anything behind.
    pub fn start(
        name: &'static str,
        dir: PathBuf,
        signal: &str,
        program: &Path,
        args: &[String],
        user: Option<User>,
    ) -> Result<Self, Failure> {
        let mut shell = Command::new("sh");
        // In a group of its own, so that Ctrl-C reaches the tests first and their servers only after them.
        shell.args(["-c", WARDEN, "sh"]).arg(&dir).arg(signal).arg(program).args(args).process_group(0);
        if let Some(user) = user {
            shell.uid(user.uid).gid(user.gid).current_dir(&dir);
        }
        let warden = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Failure::new(format!("{name} could not be started: {error}.")))?;
        Ok(Self { name, warden, dir, keeps_dir: false })
    }

    pub fn wait_until(&mut self, ready: impl Fn(&Path) -> bool, stop: &StopRequest) -> Result<(), Failure> {
        let begun = Instant::now();
        while !ready(&self.dir) {
            stop.give_up_if_asked()?;
            if self.ended().is_some() {
                return Err(self.failure("ended while it was being started"));
            }
            if begun.elapsed() > PATIENCE {
                return Err(self.failure("is not ready after 30 s"));
            }
            thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// For a program that has to end before a server can use what it has left in the folder.
    pub fn wait_for_success(mut self, stop: &StopRequest) -> Result<PathBuf, Failure> {
        loop {
            stop.give_up_if_asked()?;
            match self.ended() {
                None => thread::sleep(LOOK_AGAIN),
                Some(status) if status.success() => {
                    self.keeps_dir = true;
                    return Ok(self.dir.clone());
                }
                Some(_) => return Err(self.failure("failed")),
            }
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.warden.try_wait().ok().flatten()
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("{} {what}. It said:\n{}", self.name, tail(&self.dir.join("log"))))
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        drop(self.warden.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE && self.ended().is_none() {
            thread::sleep(LOOK_AGAIN);
        }
        if !self.keeps_dir {
            // The warden has removed it, unless the server ended by itself.
            _ = fs::remove_dir_all(&self.dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::{ChildServer, make_dir};
    use crate::stop_request::StopRequest;

    fn server(name: &'static str, script: &str) -> ChildServer {
        let dir = make_dir(name, None).unwrap();
        let args = ["-c".to_owned(), script.to_owned()];
        ChildServer::start(name, dir, "TERM", Path::new("/bin/sh"), &args, None).unwrap()
    }

    #[test]
    fn when_our_end_of_the_pipe_closes_the_server_ends_and_its_folder_goes() {
        let mut server = server("obedient", "echo $$; exec sleep 60");
        let stop = StopRequest::watch().unwrap();
        let log = server.dir.join("log");
        server.wait_until(|_| fs::read_to_string(&log).is_ok_and(|text| text.ends_with('\n')), &stop).unwrap();
        let (pid, dir) = (fs::read_to_string(&log).unwrap(), server.dir.clone());
        let lives =
            || Command::new("sh").args(["-c", "kill -0 $0 2>/dev/null", pid.trim()]).status().unwrap().success();
        assert!(lives());
        drop(server);
        assert!(!lives() && !dir.exists());
    }

    #[test]
    fn a_server_that_ends_by_itself_is_reported_with_its_words() {
        let mut server = server("dead", "echo no such option; exit 1");
        let stop = StopRequest::watch().unwrap();
        let failure = server.wait_until(|_| false, &stop).unwrap_err().to_string();
        assert!(failure.contains("ended") && failure.contains("no such option"), "{failure}");
    }
    #[test]
    fn what_a_program_has_prepared_stays_for_the_server_that_needs_it() {
        let dir = server("prepared", "exit 0").wait_for_success(&StopRequest::watch().unwrap()).unwrap();
        assert!(dir.exists());
        fs::remove_dir_all(dir).unwrap();
    }
}
