//! Which program listens on a port. Only Linux tells without another program's help, and only about one's own processes
//! unless one is root; `None` is an ordinary answer.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// For a sentence: `nginx (process 4711)`.
pub fn of(port: u16) -> Option<String> {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_sockets(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect::<Vec<_>>();
    if sockets.is_empty() {
        return None;
    }
    let mut processes =
        fs::read_dir("/proc").ok()?.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_process(path));
    let owner = processes.find(|process| holds_one_of(process, &sockets))?;
    let name = fs::read_to_string(owner.join("comm")).ok()?;
    Some(format!("{} (process {})", name.trim(), owner.file_name()?.to_str()?))
}

/// The inodes of the sockets that listen on `port`, from a table in the form of /proc/net/tcp:
/// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …`, numbers in hexadecimal.
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let inode = |line: &str| {
        let fields = line.split_whitespace().collect::<Vec<_>>();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let listens = *fields.get(3)? == LISTEN && u16::from_str_radix(local_port, 16) == Ok(port);
        listens.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
    };
    table.lines().filter_map(inode).collect()
}

/// By its number: `self` is this process once more.
fn is_process(path: &Path) -> bool {
    path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.parse::<u32>().is_ok())
}

fn holds_one_of(process: &Path, sockets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else { return false };
    descriptors
        .filter_map(Result::ok)
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .any(|target| target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target)))
}

#[cfg(test)]
mod tests {
    use super::listening_sockets;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 51423 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D3A2 01 00000000:00000000 00:00000000 00000000  1000        0 51499 1 0 20 4 30 10 -1
   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 51424 1 0 100 0 0 10 0
";

    #[test]
    fn a_connection_is_no_listener() {
        assert_eq!(listening_sockets(TABLE, 8080), ["51423"]);
        assert!(listening_sockets(TABLE, 80).is_empty());
    }
}
