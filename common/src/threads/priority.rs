//! How a thread gets only what nobody else wants.
//!
//! On Linux by the policy `SCHED_IDLE`: any other thread takes its processor away the moment that it wants to run. Niceness
//! only decides how much a thread gets in the long run. It keeps the processor until its slice is over, and where bcrypt
//! is on all processors, each request waits for that. Elsewhere niceness is all there is.

use rustix::process::setpriority_process;

/// The greatest niceness there is.
const NICEST: i32 = 19;

/// Without the right to do it, the work is merely not nicer.
pub(super) fn lower_to_the_lowest() {
    // The policy first: the crate sets the niceness of its own choice beside it. On Linux both are the calling thread's alone.
    let makes_way = schedule_idle();
    if !makes_way && let Err(error) = setpriority_process(None, NICEST) {
        tracing::warn!(%error, "a thread keeps its normal priority");
    }
}

#[cfg(target_os = "linux")]
fn schedule_idle() -> bool {
    use thread_priority::{
        NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id, thread_schedule_policy,
    };

    let idle = ThreadSchedulePolicy::Normal(Idle);
    // Where the whole process has been made nicer, it may fail at the niceness, with the policy already in force.
    _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    thread_schedule_policy().is_ok_and(|policy| policy == idle)
}

#[cfg(not(target_os = "linux"))]
fn schedule_idle() -> bool {
    false
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{fs, thread};

    use super::*;

    /// Of the calling thread: proc(5), `stat`, field 41, where 5 is `SCHED_IDLE`. The second is in parentheses and may hold
    /// spaces.
    fn policy() -> String {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit(')').next().unwrap().split_whitespace().nth(38).unwrap().to_owned()
    }

    #[test]
    fn it_is_the_calling_thread_alone_that_makes_way_for_everybody() {
        let lowered = || {
            lower_to_the_lowest();
            policy()
        };
        assert_eq!(thread::spawn(lowered).join().unwrap(), "5");
        assert_eq!(policy(), "0");
    }
}
