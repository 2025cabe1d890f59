//! The modes and their options, as `--help` shows them.

use std::collections::BTreeSet;

use super::talk;

/// The modes that `talk --help` lists.
pub fn modes() -> Vec<String> {
    let overview = help(&["--help"]);
    let list = overview.split("Modes:\n").nth(1).expect("a list of modes");
    let rows = list.lines().take_while(|row| !row.is_empty());
    rows.map(|row| row.split_whitespace().next().unwrap().to_owned()).collect()
}

/// The usage of a mode, as `[--name <name>]`, `<host>`, `[<port>]` and the like.
pub fn usage(mode: &str) -> Vec<String> {
    let help = help(&[mode, "--help"]);
    let line = help.lines().next().unwrap();
    let words = line.strip_prefix(&format!("Usage: talk {mode} ")).expect("the usage comes first");
    // What can be repeated, and that options can be ended, is said of all.
    let words = words.replace("...", "").replace("[--] ", "");
    let mut depth = 0;
    let pieces = words.split(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ' ' && depth == 0
    });
    pieces.map(str::to_owned).collect()
}

/// The options of a mode, each with its value if it takes one, as `--plain` and `--name <name>`;
/// without `--help`, which every mode has.
pub fn options(mode: &str) -> BTreeSet<String> {
    let bare = |piece: String| piece.trim_matches(['[', ']']).to_owned();
    let options: BTreeSet<String> =
        usage(mode).into_iter().map(bare).filter(|piece| piece.starts_with("--")).collect();
    assert!(!options.is_empty(), "{mode} has no options");
    options
}

fn help(arguments: &[&str]) -> String {
    String::from_utf8(talk(arguments).output().unwrap().stdout).unwrap()
}
