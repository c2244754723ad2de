//! Who listens on a port, for the message that it is taken.
//!
//! Read once, when it is needed, from what the kernel shows of sockets and processes. Where it shows nothing (another
//! user's process, another system than Linux) the answer is that nobody knows.

use super::ports;

/// The program that listens on a port of this machine: `ollama (process 4711)`.
pub fn owner(port: u16) -> Option<String> {
    let sockets: Vec<_> = ports::listening().ok()?.into_iter().filter(|socket| socket.address.port() == port).collect();
    named(&sockets)
}

#[cfg(target_os = "linux")]
fn named(sockets: &[ports::Socket]) -> Option<String> {
    let processes: Vec<u32> =
        procfs::process::all_processes().ok()?.filter_map(|process| u32::try_from(process.ok()?.pid).ok()).collect();
    let holders = super::processes::linux::holders(sockets, processes.into_iter());
    let process = *holders.values().next()?.first()?;
    let name = procfs::process::Process::new(i32::try_from(process).ok()?).ok()?.stat().ok()?.comm;
    Some(format!("{name} (process {process})"))
}

#[cfg(not(target_os = "linux"))]
fn named(_: &[ports::Socket]) -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::owner;

    #[test]
    fn our_own_listener_is_ours() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let told = owner(port).expect("a process sees its own sockets");
        assert!(told.ends_with(&format!("(process {})", std::process::id())), "{told}");
    }
}
