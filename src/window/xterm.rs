//! The xterm window: the helper becomes an xterm, which inherits the call's socket and runs the
//! handler on a pty.
//!
//! The invariant: nothing that a caller says can make the xterm report, rename or reconfigure
//! itself: what it leaves on by default for programs inside it is switched off (xterm(1),
//! "allow...Ops").

use std::ffi::OsString;

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

/// The command for a window with this title that runs `handler`.
pub fn command(title: &str, handler: Vec<OsString>) -> Vec<OsString> {
    // UTF-8 whatever the locale says: that is what travels on the wire.
    let mut argv: Vec<OsString> = [PROGRAM, "-u8", "-title", title].map(Into::into).into();
    for feature in SWITCHED_OFF {
        argv.extend(["-xrm".into(), format!("*{feature}: false").into()]);
    }
    argv.push("-e".into());
    argv.extend(handler);
    argv
}
