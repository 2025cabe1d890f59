//! The privileges of root, and giving them up for good.
//!
//! The invariant: after [`become_user`] there is no way back, or it was an error.

use std::env;
use std::ffi::CString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Uid, User, geteuid, getresgid, getresuid, initgroups, setresgid, setresuid, setuid,
};

use crate::errors;

/// Variables that name places of the user before, which the next one cannot use.
const PLACES: [&str; 5] =
    ["DBUS_SESSION_BUS_ADDRESS", "TMUX", "TMUX_PANE", "XAUTHORITY", "XDG_RUNTIME_DIR"];

/// Whether this process may do anything.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// What this process and its children write from now on is for its user alone.
pub fn keep_private() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Becomes the user of this name, for good: with their groups and their environment. Whoever is
/// that user already stays it.
///
/// # Errors
/// There is no such user, or this process is not root and may not change; or the way back is still
/// open.
pub fn become_user(name: &str) -> io::Result<()> {
    let wrong = |text: String| Err(io::Error::new(ErrorKind::InvalidInput, text));
    let Some(user) = User::from_name(name)? else {
        return wrong(format!("no user is named '{name}'; 'getent passwd' lists them"));
    };
    if user.uid.is_root() {
        return wrong("root is what is to be given up; name another user".into());
    }
    if geteuid() == user.uid {
        return Ok(());
    }
    if !is_root() {
        return wrong(
            "only root can become another user; start it as root, or leave it out".into(),
        );
    }
    if let Err(error) = change(&user) {
        let reason = errors::reason(&error.into());
        return wrong(format!("the system does not allow it ({reason}); start it as that user"));
    }
    move_in(user);
    Ok(())
}

/// Changes every id of this process to those of `user`, and looks whether that worked.
fn change(user: &User) -> nix::Result<()> {
    let name = CString::new(user.name.as_bytes()).map_err(|_| Errno::EINVAL)?;
    initgroups(&name, user.gid)?;
    setresgid(user.gid, user.gid, user.gid)?;
    setresuid(user.uid, user.uid, user.uid)?;
    let (uids, gids) = (getresuid()?, getresgid()?);
    let changed = [uids.real, uids.effective, uids.saved] == [user.uid; 3]
        && [gids.real, gids.effective, gids.saved] == [user.gid; 3];
    if !changed || setuid(Uid::from_raw(0)).is_ok() {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// Makes the environment that of `user`, for the programs that are started from here.
fn move_in(user: User) {
    let home = user.dir.into_os_string();
    let name = std::ffi::OsString::from_vec(user.name.into_bytes());
    // SAFETY: nothing else reads or writes the environment meanwhile: this process has one thread.
    unsafe {
        PLACES.iter().for_each(|place| env::remove_var(place));
        env::set_var("HOME", home);
        env::set_var("SHELL", user.shell);
        env::set_var("USER", &name);
        env::set_var("LOGNAME", name);
    }
}
