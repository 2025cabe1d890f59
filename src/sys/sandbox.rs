//! The sandbox of a conversation: what it does not need is given up before it reads from the peer.
//!
//! An attacker who took the process over through those bytes would have its terminal and its call,
//! and could open nothing else. Next door, `privilege` gives up root. The invariant: what is open
//! goes on working, so everything is opened before [`enter`].

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

use super::clock;

/// The newest version of Landlock that is asked for: it has scopes (landlock(7), Linux 6.12). An
/// older kernel enforces what it knows.
const NEWEST: ABI = ABI::V6;

/// Confines this process for good to the descriptors that it has: it can open no file and no
/// connection, run no program, signal no other process and gain no privileges from a set-user-ID
/// program. A kernel without Landlock enforces only the limit on descriptors, which root can raise
/// again, and the last of these.
pub fn enter() {
    // Opens the file of the time zone, which later readings do not (tzset(3)).
    clock::now();
    let _ = prctl::set_no_new_privs();
    let _ = deny_everything();
    // The conversation waits with select(2), which does not check this limit; poll(2) would fail
    // (getrlimit(2)).
    let _ = setrlimit(Resource::RLIMIT_NOFILE, 0, 0);
}

/// Denies all that Landlock can deny: there is no rule that allows anything.
fn deny_everything() -> Result<RulesetStatus, RulesetError> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    Ok(rules.create()?.restrict_self()?.ruleset)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{self, Read, Write};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
    use std::process::Command;

    use nix::libc;
    use nix::sys::signal::kill;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{Pid, getppid, truncate};

    use super::super::process;
    use super::super::tests::alone;
    use super::*;

    /// Runs `child` in a forked process that keeps `keep`; returns what it complains of.
    fn complaint(keep: &[BorrowedFd<'_>], child: impl FnOnce() -> String) -> String {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let keep = [keep, &[theirs.as_fd()]].concat();
        let child = process::spawn(&keep, || {
            let said = child();
            (&theirs).write_all(said.as_bytes()).map_or(1, |()| 0)
        });
        let child = child.unwrap();
        drop(theirs);
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
        said
    }

    /// Those complaints that are justified.
    fn list(complaints: &[(&str, bool)]) -> String {
        let justified = complaints.iter().filter(|(_, wrong)| *wrong);
        justified.map(|(complaint, _)| *complaint).collect::<Vec<_>>().join(", ")
    }

    /// A socket in the abstract namespace, which no file permissions protect (unix(7)).
    fn abstract_listener(name: &str) -> (SocketAddr, UnixListener) {
        let name = format!("talk-test-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        (address, listener)
    }

    /// The version of Landlock that this kernel has; 0 without it (landlock_create_ruleset(2)).
    fn kernel_abi() -> i64 {
        const VERSION: libc::c_uint = 1;
        let nothing = std::ptr::null::<libc::c_void>();
        // SAFETY: with this flag, the call takes a null pointer and no size, and only answers.
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, VERSION) }
            .max(0)
    }

    #[test]
    fn a_confined_process_has_what_is_open_and_nothing_else() {
        alone(|| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let (name, _listener) = abstract_listener("open");
            let (mut here, there) = UnixStream::pair().unwrap();
            let wrong = complaint(&[there.as_fd()], || {
                enter();
                list(&[
                    ("a file can be opened", File::open("/etc/passwd").is_ok()),
                    ("a datagram socket can be opened", UdpSocket::bind("127.0.0.1:0").is_ok()),
                    ("a connection can be opened", TcpStream::connect(address).is_ok()),
                    ("a local socket can be opened", UnixStream::connect_addr(&name).is_ok()),
                    ("the stream cannot be used", (&there).write_all(b"open").is_err()),
                ])
            });
            assert_eq!(wrong, "");
            let mut said = [0; 4];
            here.read_exact(&mut said).unwrap();
            assert_eq!(&said, b"open");
        });
    }

    /// What Landlock adds to the limit on descriptors, which root could raise: all that this kernel
    /// knows of it.
    #[test]
    fn without_the_limit_landlock_holds_alone() {
        alone(|| {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("file");
            fs::write(&path, "secret").unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let (name, _listener) = abstract_listener("landlock");
            let abi = kernel_abi();
            let wrong = complaint(&[], || {
                clock::now();
                let _ = prctl::set_no_new_privs();
                let expected = match abi {
                    0 => RulesetStatus::NotEnforced,
                    1..6 => RulesetStatus::PartiallyEnforced,
                    _ => RulesetStatus::FullyEnforced,
                };
                let enforced = deny_everything().ok();
                let granted = |result: io::Result<()>| {
                    result.err().is_none_or(|error| error.kind() != io::ErrorKind::PermissionDenied)
                };
                let signal = kill(getppid(), None).map_err(io::Error::from);
                let denials = [
                    (1, "reading a file", granted(fs::read(&path).map(drop))),
                    (1, "writing a file", granted(fs::write(&path, "x"))),
                    (1, "removing a file", granted(fs::remove_file(&path))),
                    (1, "running a program", granted(Command::new("/bin/true").status().map(drop))),
                    (3, "truncating a file", granted(truncate(&path, 0).map_err(io::Error::from))),
                    (4, "a TCP connection", granted(TcpStream::connect(address).map(drop))),
                    (6, "an abstract socket", granted(UnixStream::connect_addr(&name).map(drop))),
                    (6, "signalling another process", granted(signal)),
                ];
                for (since, what, _) in denials.iter().filter(|(since, ..)| *since > abi) {
                    let kernel = format!("Landlock {abi}, and {what} needs {since}");
                    let _ = writeln!(io::stderr(), "not checked: this kernel has {kernel}");
                }
                let promised = denials.iter().filter(|(since, ..)| *since <= abi);
                let mut complaints: Vec<_> =
                    promised.map(|&(_, what, granted)| (what, granted)).collect();
                complaints.push(("not as much as the kernel can", enforced != Some(expected)));
                complaints.push(("signals to itself are denied", kill(Pid::this(), None).is_err()));
                list(&complaints)
            });
            assert_eq!(wrong, "");
        });
    }
}
