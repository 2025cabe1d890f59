//! The xterm window: the helper becomes an xterm, which inherits the call's socket and runs the
//! handler on a pty.
//!
//! The invariant: no text from a caller can make the xterm report, rename or reconfigure itself.
//! The operations that xterm allows by default to programs inside it are switched off (xterm(1),
//! "allow...Ops").

use std::ffi::OsString;

/// The program that is looked up on PATH.
pub const PROGRAM: &str = "xterm";

/// The operations of xterm that a program inside it could misuse.
const SWITCHED_OFF: [&str; 6] = [
    "allowColorOps",
    "allowFontOps",
    "allowMouseOps",
    "allowTcapOps",
    "allowTitleOps",
    "allowWindowOps",
];

/// The command for a window with this title that runs `handler`.
pub fn command(title: &str, handler: Vec<OsString>) -> Vec<OsString> {
    // UTF-8 whatever the locale says: the protocol's text is UTF-8.
    let mut argv: Vec<OsString> = [PROGRAM, "-u8", "-title", title].map(Into::into).into();
    for feature in SWITCHED_OFF {
        argv.extend(["-xrm".into(), format!("*{feature}: false").into()]);
    }
    argv.push("-e".into());
    argv.extend(handler);
    argv
}
