//! `cargo xtask down`: stops an instance, whoever watches over it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::instance::Instance;
use crate::lock::{Attempt, Lock};
use crate::ports::Ports;
use crate::process::Recorded;
use crate::say;
use crate::up::{PROGRAMS, clean_up};

/// An `up` in the foreground gives each of its programs time to finish.
const PATIENCE: Duration = Duration::from_secs(100);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub fn run(root: &Path, gateway_port: u16) -> Result<(), Failure> {
    let ports = Ports::plan(gateway_port).ok_or_else(|| Failure::usage("There is no such port."))?;
    let instance = Instance::of(root, ports);
    let watched = instance.lock().exists() && stop_watcher(&instance)?;
    let mut stopped = watched;
    for (name, signal) in PROGRAMS {
        if let Some(program) = Recorded::find(&instance.pid_file(name)) {
            program.stop(signal);
            stopped = true;
        }
    }
    clean_up(&instance);
    say::line(if stopped {
        format!("Stopped what ran on port {gateway_port}.")
    } else {
        format!("Nothing was running on port {gateway_port}.")
    });
    Ok(())
}

/// Asks an `up` that is at work to stop, which stops its programs, and waits for its end. False when there is none.
fn stop_watcher(instance: &Instance) -> Result<bool, Failure> {
    let begun = Instant::now();
    let mut asked: Option<Pid> = None;
    loop {
        let holder = match Lock::attempt(&instance.lock())? {
            Attempt::Taken(_) => return Ok(asked.is_some()),
            Attempt::HeldBy(holder) => holder,
        };
        if let (None, Some(watcher)) = (asked, holder) {
            kill_process(watcher, Signal::TERM)
                .map_err(|error| Failure::new(format!("Process {watcher:?} could not be asked to stop: {error}.")))?;
            asked = Some(watcher);
        }
        if begun.elapsed() > PATIENCE {
            return Err(Failure::new(format!(
                "The `cargo xtask up` of this instance does not stop (process {holder:?})."
            )));
        }
        thread::sleep(LOOK_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::run;
    use crate::instance::Instance;
    use crate::ports::Ports;

    #[test]
    fn no_credential_stays_behind_that_nginx_has_kept() {
        let root = std::env::temp_dir().join(format!("latchkey-xtask-down-{}", std::process::id()));
        let folder = Instance::of(&root, Ports::plan(9000).unwrap()).nginx_dir();
        for kept in ["nginx-verified/kept", "nginx.conf"] {
            let kept = folder.join(kept);
            fs::create_dir_all(kept.parent().unwrap()).unwrap();
            fs::write(kept, "").unwrap();
        }
        run(&root, 9000).unwrap();
        assert!(!folder.join("nginx-verified").exists() && folder.join("nginx.conf").exists());
        run(&root, 9000).unwrap();
        fs::remove_dir_all(root).unwrap();
    }
}
