//! The xterm window: the helper becomes an xterm, which inherits the call's socket and runs the handler on a pty.
//!
//! The invariant: nothing that a caller says can make the xterm report, rename or reconfigure itself: what it leaves on
//! by default for programs inside it is switched off (xterm(1), "allow...Ops").

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::Path;

/// The program that is looked up on PATH.
pub const PROGRAM: &str = "xterm";

/// The features of xterm that a program inside it could misuse.
const SWITCHED_OFF: [&str; 6] = [
    "allowColorOps",
    "allowFontOps",
    "allowMouseOps",
    "allowTcapOps",
    "allowTitleOps",
    "allowWindowOps",
];

/// The command for a window with this title, whose handler finds the call at descriptor `call`. `talk` is the resolved
/// path of this program: in an xterm, `/proc/self/exe` would be the xterm.
pub fn command(title: &str, talk: &Path, call: RawFd) -> Vec<OsString> {
    // UTF-8 whatever the locale says: that is what travels on the wire.
    let mut argv: Vec<OsString> = [PROGRAM, "-u8", "-title", title].map(Into::into).into();
    for feature in SWITCHED_OFF {
        argv.extend(["-xrm".into(), format!("*{feature}: false").into()]);
    }
    argv.extend([
        "-e".into(),
        talk.into(),
        "handler".into(),
        call.to_string().into(),
    ]);
    argv
}
