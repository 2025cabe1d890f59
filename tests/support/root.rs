//! Tests that take root, whoever runs them, and programs that must not be root.

use std::any::type_name;
use std::ffi::OsStr;
use std::fs::{Permissions, set_permissions};
use std::io::{Write, stderr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use nix::unistd::geteuid;
use tempfile::TempDir;

use super::{TALK, command};

/// Runs `test` as root: again by sudo(8), where that asks for no password. Where it does, the test
/// is skipped and says so, past the harness, which shows nothing of a test that passes.
pub fn as_root<T: FnOnce()>(test: T) {
    if geteuid().is_root() {
        return test();
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).output();
    if sudo.is_ok_and(|sudo| sudo.status.success()) {
        run_again::<T>(&mut command("sudo", &["-n"]), "");
    } else {
        let _ = writeln!(stderr(), "skipped {}: it takes root", name::<T>());
    }
}

/// Runs the test that the closure `T` stands in once more, started by `wrapper`. `advice` is for
/// those with whom this fails.
pub fn run_again<T>(wrapper: &mut Command, advice: &str) {
    let test = name::<T>();
    let run = wrapper.arg(std::env::current_exe().unwrap()).args(["--exact", test]);
    let run = run.output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success() && said.contains("1 passed"),
        "{said}{}{advice}",
        String::from_utf8_lossy(&run.stderr)
    );
}

/// The test that the closure `T` stands in, by the name that the harness gives it.
fn name<T>() -> &'static str {
    let (_crate, path) = type_name::<T>().split_once("::").unwrap();
    path.split("::{{closure}}").next().unwrap()
}

/// A copy of the program that every user may run, and the directory that has it.
pub fn copy_for_everybody() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    // Copied by another process, see `install`.
    assert!(command("cp", &[TALK]).arg(dir.path()).status().unwrap().success());
    let copy = dir.path().join("talk");
    (dir, copy)
}

/// A command that root runs as this user, who is in the group of the same number only. Who is not
/// root runs it as who they are.
pub fn as_user(id: u32, program: impl AsRef<OsStr>) -> Command {
    if !geteuid().is_root() {
        return command(program, &[]);
    }
    let ids = [format!("--reuid={id}"), format!("--regid={id}"), "--clear-groups".into()];
    let mut setpriv = command("setpriv", &[]);
    setpriv.args(ids).arg(program);
    setpriv
}
