//! Giving up what a conversation does not need, before a stranger's bytes are read.
//!
//! If those bytes should ever take the process over, it has its terminal and its call, and nothing
//! else to open. The invariant: what is open already goes on working, so this comes after
//! everything has been opened.

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

use super::clock;

/// The newest of Landlock's rules that are asked for: scopes (landlock(7)). Of these, a kernel
/// takes what it knows.
const NEWEST: ABI = ABI::V6;

/// Confines this process for good to the descriptors it has: no other file, no program, no
/// connection, no signal to another process, no privileges of a set-user-ID program. It is as much
/// of this as the kernel knows; where it knows no Landlock, the limit on descriptors is left, which
/// only root can raise again.
pub fn enter() {
    // The time zone comes from a file, read the first time that it is needed (tzset(3)).
    clock::now();
    let _ = prctl::set_no_new_privs();
    let _ = deny_everything();
    // select(2), unlike poll(2), is not subject to it (getrlimit(2)).
    let _ = setrlimit(Resource::RLIMIT_NOFILE, 0, 0);
}

/// Denies all that Landlock can: no rule allows anything.
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
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use nix::sys::signal::kill;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::{Pid, getppid};

    use super::super::mailbox::{Mailbox, Sender};
    use super::super::process;
    use super::*;

    /// Runs `child` in a process of its own that has `keep`; what it says is wrong.
    fn complaint(
        keep: &[std::os::fd::BorrowedFd<'_>],
        child: impl FnOnce() -> &'static str,
    ) -> String {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut keep = keep.to_vec();
        keep.push(theirs.as_fd());
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

    /// The first of these that is true.
    fn first(complaints: &[(&'static str, bool)]) -> &'static str {
        complaints.iter().find(|(_, wrong)| *wrong).map_or("", |(complaint, _)| complaint)
    }

    #[test]
    fn a_confined_process_has_what_is_open_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mailbox = Mailbox::open().unwrap();
        let (mut here, there) = UnixStream::pair().unwrap();
        let sender = Sender::connect(mailbox.address()).unwrap();
        let name = mailbox.address().to_owned();
        let keep = [there.as_fd(), sender.as_fd()];
        let wrong = complaint(&keep, || {
            enter();
            first(&[
                ("a file can be opened", File::open("/etc/passwd").is_ok()),
                ("a datagram socket can be opened", UdpSocket::bind("127.0.0.1:0").is_ok()),
                ("a connection can be opened", TcpStream::connect(address).is_ok()),
                ("a mailbox can be opened", Sender::connect(&name).is_ok()),
                ("the mailbox cannot be used", sender.send(b"still there").is_err()),
                ("the stream cannot be used", (&there).write_all(b"open").is_err()),
            ])
        });
        assert_eq!(wrong, "");
        assert_eq!(mailbox.receive().unwrap().unwrap(), b"still there");
        let mut said = [0; 4];
        here.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"open");
    }

    /// What Landlock adds to the limit on descriptors, which root could raise.
    #[test]
    fn without_the_limit_landlock_holds_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "secret").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mailbox = Mailbox::open().unwrap();
        let name = mailbox.address().to_owned();
        let wrong = complaint(&[], || {
            clock::now();
            let _ = prctl::set_no_new_privs();
            if deny_everything().ok() != Some(RulesetStatus::FullyEnforced) {
                return "this kernel has no Landlock, or not all of it: Linux 6.12 and later have";
            }
            let granted = |result: io::Result<()>| {
                result.err().is_none_or(|error| error.kind() != io::ErrorKind::PermissionDenied)
            };
            first(&[
                ("a file can be read", granted(fs::read(&path).map(drop))),
                ("a file can be written", granted(fs::write(&path, "x"))),
                ("a file can be removed", granted(fs::remove_file(&path))),
                ("a program can be run", granted(Command::new("/bin/true").status().map(drop))),
                ("a connection can be opened", granted(TcpStream::connect(address).map(drop))),
                ("a mailbox can be opened", granted(Sender::connect(&name).map(drop))),
                (
                    "another process can be signalled",
                    granted(kill(getppid(), None).map_err(io::Error::from)),
                ),
                ("it cannot be signalled itself", kill(Pid::this(), None).is_err()),
            ])
        });
        assert_eq!(wrong, "");
    }
}
