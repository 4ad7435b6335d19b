//! How much memory a process has, from `proc_pid_status(5)`.

use std::fs;

use crate::failure::Failure;

/// What is resident of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At the most, since it began or since [`forget_peak`].
    pub peak: u64,
}

impl Memory {
    /// Of this process.
    pub fn of(process: u32) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))
            .map_err(Failure::during("The memory of a process cannot be read"))?;
        let unknown = || Failure::Other(format!("Process {process} does not say how much memory it has."));
        Self::from_status(&status).ok_or_else(unknown)
    }

    fn from_status(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let kibibytes = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"))?;
            Some(kibibytes.parse::<u64>().ok()? * 1_024)
        };
        Some(Self { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

/// From here on the peak is that of what comes.
pub fn forget_peak(process: u32) -> Result<(), Failure> {
    fs::write(format!("/proc/{process}/clear_refs"), "5")
        .map_err(Failure::during("The peak of a process's memory cannot be forgotten"))
}

/// Megabytes of 10^6 bytes.
#[expect(clippy::cast_precision_loss, reason = "no process has 2^52 bytes")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_are_read_from_the_lines_that_are_meant() {
        let status = "Name:\tVmRSS: 1 kB\nVmPeak:\t 9000 kB\nVmHWM:\t   30 kB\nVmRSS:\t   20 kB\nRssAnon:\t 5 kB\n";
        assert_eq!(Memory::from_status(status), Some(Memory { resident: 20_480, peak: 30_720 }));
        assert_eq!(Memory::from_status("Name:\tsh\n"), None);
    }

    #[test]
    fn this_process_has_memory_and_its_peak_can_be_forgotten() {
        let own = std::process::id();
        forget_peak(own).unwrap();
        let memory = Memory::of(own).unwrap();
        assert!(memory.resident > 0 && memory.peak > 0);
    }
}
