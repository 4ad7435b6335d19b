//! The processor time that a program has taken, all of its threads and children together.

use std::{fs, time::Duration};

/// Of the process `root` and its descendants. What has ended since does not count.
pub fn of_tree(root: u32) -> Duration {
    let parents: Vec<(u32, u32)> = processes().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(pid) = tree.get(next).copied() {
        tree.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    tree.into_iter().map(of_process).sum()
}

fn processes() -> impl Iterator<Item = u32> {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok())
}

/// The fourth field of `proc_pid_stat(5)`. The second, a name, may hold anything, but is the last in parentheses.
fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The first field of each thread's schedstat: nanoseconds on a processor.
fn of_process(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_thread = |folder: fs::DirEntry| -> Option<u64> {
        fs::read_to_string(folder.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    Duration::from_nanos(threads.filter_map(of_thread).sum())
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Instant};

    use super::*;

    #[test]
    fn the_time_of_children_counts() {
        let mut shell = Command::new("sh").args(["-c", "sh -c 'while :; do :; done' & echo; wait"]).spawn().unwrap();
        let begin = Instant::now();
        while of_tree(shell.id()) < Duration::from_millis(20) {
            assert!(begin.elapsed() < Duration::from_secs(20), "nothing was counted");
            std::thread::yield_now();
        }
        let children = processes().filter(|pid| parent(*pid) == Some(shell.id()));
        for child in children {
            Command::new("kill").arg(child.to_string()).status().unwrap();
        }
        shell.wait().unwrap();
    }
}
