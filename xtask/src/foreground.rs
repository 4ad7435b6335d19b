//! A program that works for a task at the terminal: it is asked to stop when the task is.

use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Failure;
use crate::stop_request::{self, Origin, StopRequest};

const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The program gets this long to end its work after Ctrl-C, then SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);

/// `name` is the program's, `what` the work that is not done when it fails. Its exit code is passed on.
pub fn run_to_its_end(name: &str, what: &str, mut command: Command, stop: &StopRequest) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{name} could not be run: {error}."));
    let mut program = command.spawn().map_err(failed)?;
    let mut interrupted: Option<Instant> = None;
    loop {
        if let Some(status) = program.try_wait().map_err(failed)? {
            return if interrupted.is_some() || stop.take().is_some() {
                Err(stop_request::interrupted())
            } else {
                result(what, status)
            };
        }
        match stop.take() {
            None => {}
            Some(Origin::Keyboard) => interrupted = interrupted.or_else(|| Some(Instant::now())),
            Some(Origin::Elsewhere) => {
                terminate(&program);
                interrupted = Some(Instant::now());
            }
        }
        if interrupted.is_some_and(|since| since.elapsed() > PATIENCE) {
            terminate(&program);
            interrupted = Some(Instant::now());
        }
        thread::sleep(LOOK_AGAIN);
    }
}

fn terminate(program: &Child) {
    if let Some(pid) = Pid::from_raw(program.id().cast_signed()) {
        // It may just have ended by itself.
        _ = kill_process(pid, Signal::TERM);
    }
}

fn result(what: &str, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Failure::new(format!("{what} ({status}).")).exit_code(code))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::run_to_its_end;
    use crate::stop_request::StopRequest;

    #[test]
    fn the_programs_exit_code_is_passed_on() {
        let stop = StopRequest::watch().unwrap();
        let run = |script| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            run_to_its_end("sh", "It did not work", command, &stop).map_err(|failure| failure.code())
        };
        assert_eq!((run("exit 0"), run("exit 7")), (Ok(()), Err(7)));
    }
}
