//! Threads that keep every processor busy with nothing, at the priority that bcrypt has: what a flood would cost if it were not
//! about logins at all. What the machine itself does to whoever shares it with such threads is no service's fault.

use std::{
    hint,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use common::threads::Priority;

/// Does `work` while `number` threads spin.
pub fn beside<T>(number: u32, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    let spin = || {
        Priority::Lowest.take();
        while !done.load(Ordering::Relaxed) {
            hint::spin_loop();
        }
    };
    thread::scope(|scope| {
        for _ in 0..number {
            scope.spawn(spin);
        }
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_end_with_the_work() {
        assert_eq!(beside(2, || 5), 5);
    }
}
