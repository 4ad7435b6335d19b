//! Who runs where: what is measured has one processor, and neither the driver nor whatever else it starts runs there. Ratios then
//! compare what one processor can do, and a faster side is not slowed down by a driver that has to keep up with it.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::failure::Failure;

/// The processors of this process, divided.
#[derive(Debug, Clone)]
pub struct Processors {
    measured: CpuSet,
    others: CpuSet,
}

impl Processors {
    /// Divides them, and leaves the measured one's to others. With only one there is nothing to divide.
    pub fn divide() -> Result<Self, Failure> {
        let all = sched_getaffinity(None).map_err(failed)?;
        let numbers: Vec<_> = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number)).collect();
        let (measured, others) = match &numbers[..] {
            [first, others @ ..] if !others.is_empty() => (set(&[*first]), set(others)),
            only => (set(only), set(only)),
        };
        let processors = Self { measured, others };
        sched_setaffinity(None, &processors.others).map_err(failed)?;
        Ok(processors)
    }

    /// What is started by `start` runs on the measured processor.
    pub fn measured<T>(&self, start: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        sched_setaffinity(None, &self.measured).map_err(failed)?;
        let started = start();
        sched_setaffinity(None, &self.others).map_err(failed)?;
        started
    }
}

fn set(numbers: &[usize]) -> CpuSet {
    let mut set = CpuSet::new();
    for number in numbers {
        set.set(*number);
    }
    set
}

fn failed(error: rustix::io::Errno) -> Failure {
    Failure::Other(format!("Processors cannot be divided: {error}."))
}
