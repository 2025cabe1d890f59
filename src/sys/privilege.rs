//! The privileges of root, and giving them up for good.
//!
//! Next door, `sandbox` takes away what any user may do. The invariant: after [`become_user`] has
//! succeeded, this process cannot become root again.

use std::env;
use std::ffi::CString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    Uid, User, geteuid, getresgid, getresuid, initgroups, setresgid, setresuid, setuid,
};

use super::process;
use crate::errors;

/// Variables that name places of the previous user, which the new one cannot use.
const PLACES: [&str; 5] =
    ["DBUS_SESSION_BUS_ADDRESS", "TMUX", "TMUX_PANE", "XAUTHORITY", "XDG_RUNTIME_DIR"];

/// Whether this process runs with the effective user id 0.
pub fn is_root() -> bool {
    geteuid().is_root()
}

/// Makes the files that this process and its children create from now on accessible to their user
/// only (umask(2)).
pub fn keep_private() {
    umask(Mode::from_bits_truncate(0o077));
}

/// Becomes the user of this name for good, with that user's groups, HOME, SHELL, USER and LOGNAME.
/// Changes nothing if this process already runs as that user.
///
/// # Errors
/// There is no such user, it is root, or this process may not change its user; or it could change
/// back.
pub fn become_user(name: &str) -> io::Result<()> {
    let wrong = |text: String| Err(io::Error::new(ErrorKind::InvalidInput, text));
    let Some(user) = User::from_name(name)? else {
        return wrong(format!("no user is named '{name}'; 'getent passwd' lists them"));
    };
    if user.uid.is_root() {
        return wrong("root keeps its privileges; name another user".into());
    }
    if geteuid() == user.uid {
        return Ok(());
    }
    if !is_root() {
        return wrong(
            "only root can become another user; start as root, or leave the option out".into(),
        );
    }
    if let Err(error) = change(&user) {
        let reason = errors::reason(&error.into());
        return wrong(format!("changing the user failed ({reason}); start as that user"));
    }
    move_in(user);
    Ok(())
}

/// Changes every user and group id of this process to those of `user`, and checks that it did and
/// that there is no way back.
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

/// Makes the environment that of `user`, for the programs that this process starts.
fn move_in(user: User) {
    process::assert_one_thread();
    let home = user.dir.into_os_string();
    let name = std::ffi::OsString::from_vec(user.name.into_bytes());
    // SAFETY: no other thread reads or writes the environment meanwhile; there is none.
    unsafe {
        PLACES.iter().for_each(|place| env::remove_var(place));
        env::set_var("HOME", home);
        env::set_var("SHELL", user.shell);
        env::set_var("USER", &name);
        env::set_var("LOGNAME", name);
    }
}
