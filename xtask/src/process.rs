//! The programs of an instance: started with a log and a process file, found again through it, stopped gracefully.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;

/// Longer than the services' own limit for draining (20 s unless set otherwise), so that theirs decides.
const GRACE: Duration = Duration::from_secs(25);
const AFTER_A_SECOND_SIGNAL: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A program about to be started.
pub struct Launch {
    pub name: &'static str,
    pub command: Command,
    pub log: PathBuf,
    pub pid_file: PathBuf,
    /// A part of its command line that no other process has.
    pub mark: String,
}

/// A program started by this process.
pub struct Running {
    pub name: &'static str,
    pub log: PathBuf,
    child: Child,
    pid_file: PathBuf,
}

impl Launch {
    /// In a process group of its own: Ctrl-C or a closed terminal reaches this process, which then stops the others in order.
    pub fn start(mut self) -> Result<Running, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("{} could not be started: {error}.", self.name));
        let log = fresh_log(&self.log).map_err(failed)?;
        let child = self
            .command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        fs::write(&self.pid_file, format!("{}\n{}\n", child.id(), self.mark)).map_err(failed)?;
        Ok(Running { name: self.name, log: self.log, child, pid_file: self.pid_file })
    }
}

/// The log of the start before is kept beside the new one.
fn fresh_log(path: &Path) -> std::io::Result<File> {
    if path.exists() {
        fs::rename(path, path.with_extension("previous.log"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

impl Running {
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// How it ended and the last it said.
    pub fn failure(&self, what: &str) -> Failure {
        Failure::new(format!("{} {what}. The end of {}:\n{}", self.name, self.log.display(), tail(&self.log)))
    }

    pub fn stop(mut self, gracefully: Signal, hurry: impl Fn() -> bool) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            stop(pid, gracefully, || self.ended().is_some(), hurry);
        }
        remove(&self.pid_file);
    }
}

/// A program that an earlier `up` has started and that still runs.
#[derive(Debug)]
pub struct Recorded {
    pid: Pid,
    mark: String,
    pid_file: PathBuf,
}

impl Recorded {
    /// What the process file names, if that process is alive and still the same program: numbers are used again.
    pub fn find(pid_file: &Path) -> Option<Self> {
        let text = fs::read_to_string(pid_file).ok()?;
        let (pid, mark) = text.split_once('\n')?;
        let pid = Pid::from_raw(pid.parse().ok()?)?;
        let recorded = Self { pid, mark: mark.trim_end().to_owned(), pid_file: pid_file.to_path_buf() };
        recorded.runs().then_some(recorded)
    }

    fn runs(&self) -> bool {
        !self.mark.is_empty() && command_line(self.pid).is_some_and(|line| line.contains(&self.mark))
    }

    pub fn stop(self, gracefully: Signal) {
        stop(self.pid, gracefully, || !self.runs(), || false);
        remove(&self.pid_file);
    }
}

/// Empty for a process that has ended and only waits for its parent to notice.
fn command_line(pid: Pid) -> Option<String> {
    let pid = pid.as_raw_nonzero();
    if Path::new("/proc/self/cmdline").exists() {
        let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        return Some(String::from_utf8_lossy(&words).replace('\0', " "));
    }
    let told = Command::new("ps").args(["-p", &pid.to_string(), "-o", "command="]).output().ok()?;
    Some(String::from_utf8_lossy(&told.stdout).into_owned())
}

/// First as the program likes it, then SIGTERM, then SIGKILL; at once the next when in a hurry.
fn stop(pid: Pid, gracefully: Signal, mut ended: impl FnMut() -> bool, hurry: impl Fn() -> bool) {
    let steps = [(gracefully, GRACE), (Signal::TERM, AFTER_A_SECOND_SIGNAL), (Signal::KILL, AFTER_A_SECOND_SIGNAL)];
    for (signal, patience) in steps {
        if ended() {
            return;
        }
        // It may have ended just now; the next look tells.
        _ = kill_process(pid, signal);
        let begun = Instant::now();
        while begun.elapsed() < patience && !hurry() {
            if ended() {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
    }
}

fn remove(pid_file: &Path) {
    // One that stays behind is harmless: it names no process of ours any more.
    _ = fs::remove_file(pid_file);
}

pub fn tail(log: &Path) -> String {
    const LINES: usize = 20;
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines = text.lines().collect::<Vec<_>>();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    if last.is_empty() {
        "    (empty)".to_owned()
    } else {
        last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
    }
}

/// Runs a command to its end without showing what it says, unless it fails.
pub fn run_quietly(what: &str, command: &mut Command, input: &str) -> Result<String, Failure> {
    let could_not = |error| Failure::new(format!("{what} could not be started: {error}."));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(could_not)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends without reading says why by itself.
        _ = stdin.write_all(input.as_bytes());
    }
    let told = child.wait_with_output().map_err(could_not)?;
    let [out, words] = [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    if told.status.success() {
        return Ok(out);
    }
    Err(Failure::new(format!("{what} failed ({}):\n{}", told.status, [out, words].join("\n").trim())))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::process::Command;

    use rustix::process::Signal;

    use super::{Launch, Recorded, run_quietly, tail};

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("latchkey-xtask-process-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn launch(folder: &std::path::Path, script: &str, mark: &str) -> Launch {
        let mut command = Command::new("sh");
        command.args(["-c", script, mark]);
        Launch {
            name: "a program",
            command,
            log: folder.join("log"),
            pid_file: folder.join("pid"),
            mark: mark.to_owned(),
        }
    }

    #[test]
    fn a_program_is_found_again_by_its_process_file_and_not_once_it_is_stopped() {
        let folder = folder("found");
        let running = launch(&folder, "while :; do sleep 0.1; done", "latchkey-found").start().unwrap();
        // The command line appears a moment after the process.
        while Recorded::find(&folder.join("pid")).is_none() {
            std::thread::yield_now();
        }
        running.stop(Signal::TERM, || false);
        assert!(Recorded::find(&folder.join("pid")).is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn another_program_with_the_recorded_number_is_not_taken_for_ours() {
        let folder = folder("other");
        fs::write(folder.join("pid"), format!("{}\nlatchkey-is-not-this\n", std::process::id())).unwrap();
        assert!(Recorded::find(&folder.join("pid")).is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_that_does_not_listen_is_stopped_all_the_same_when_in_a_hurry() {
        let folder = folder("deaf");
        let running = launch(&folder, "trap '' TERM; while :; do sleep 0.1; done", "latchkey-deaf").start().unwrap();
        running.stop(Signal::TERM, || true);
        assert!(Recorded::find(&folder.join("pid")).is_none());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_log_of_the_start_before_is_kept_and_the_new_one_is_shown() {
        let folder = folder("log");
        for word in ["first", "second"] {
            let mut running = launch(&folder, &format!("echo {word}; exit 3"), "latchkey-log").start().unwrap();
            while running.ended().is_none() {
                std::thread::yield_now();
            }
            assert!(running.failure("ended").to_string().ends_with(word));
        }
        assert_eq!(tail(&folder.join("log.previous.log")), "    first");
        assert_eq!(tail(&folder.join("log")), "    second");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_quiet_run_speaks_when_it_fails() {
        let mut shell = Command::new("sh");
        assert_eq!(run_quietly("it", shell.args(["-c", "cat"]), "hello").unwrap(), "hello");
        let failure = run_quietly("it", Command::new("sh").args(["-c", "echo why >&2; exit 3"]), "").unwrap_err();
        assert!(failure.to_string().ends_with("why"), "{failure}");
    }
}
