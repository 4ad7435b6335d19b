//! One `up` an instance: whoever starts it, or watches over it in the foreground, holds the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use rustix::process::Pid;

use crate::Failure;

/// Held as long as it lives; the system takes it back when the process ends, however it ends.
pub struct Lock {
    _file: File,
}

pub enum Attempt {
    Taken(Lock),
    /// By this process, where it has said so already.
    HeldBy(Option<Pid>),
}

impl Lock {
    pub fn attempt(path: &Path) -> Result<Attempt, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("{} cannot be locked: {error}.", path.display()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
                write!(file, "{}", std::process::id()).map_err(failed)?;
                Ok(Attempt::Taken(Self { _file: file }))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                Ok(Attempt::HeldBy(holder.trim().parse().ok().and_then(Pid::from_raw)))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Attempt, Lock};

    #[test]
    fn the_second_to_come_learns_who_holds_it_until_it_is_let_go() {
        let path = std::env::temp_dir().join(format!("latchkey-xtask-lock-{}", std::process::id()));
        let Attempt::Taken(first) = Lock::attempt(&path).unwrap() else { panic!("nobody holds it yet") };
        let Attempt::HeldBy(Some(holder)) = Lock::attempt(&path).unwrap() else { panic!("the first one holds it") };
        assert_eq!(holder.as_raw_nonzero().get().cast_unsigned(), std::process::id());
        drop(first);
        // A process that another test is just starting has the file open for a moment more.
        while !matches!(Lock::attempt(&path).unwrap(), Attempt::Taken(_)) {
            std::thread::yield_now();
        }
        fs::remove_file(path).unwrap();
    }
}
