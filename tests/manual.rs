//! What the manual says about the environment and the protocol agrees with the source and with the
//! specification.
//!
//! Option lists are generated instead (src/modes/tests.rs).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const MANUAL: &str = include_str!("../man/talk.1");
const PROTOCOL_PAGE: &str = include_str!("../man/talk.7");
const SPECIFICATION: &str = include_str!("../docs/PROTOCOL.md");

/// What libraries read, and what in the source calls them.
const READ_ELSEWHERE: [(&str, &[&str]); 3] = [
    ("sd_notify::notify", &["NOTIFY_SOCKET"]),
    ("temp_dir", &["TMPDIR"]),
    ("localtime_r", &["TZ"]),
];

/// The lines of a section of the manual, or of a subsection, which ends with the next of either.
fn section(heading: &str) -> Vec<&'static str> {
    let lines = MANUAL.lines().skip_while(|line| *line != heading).skip(1);
    let lines: Vec<_> = lines.take_while(|line| !is_heading(line)).collect();
    assert!(!lines.is_empty(), "the manual has no {heading}");
    lines
}

fn is_heading(line: &str) -> bool {
    line.starts_with(".Sh ") || line.starts_with(".Ss ")
}

/// The files of the source, without their tests.
fn sources(directory: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        } else if path.is_dir() {
            texts.extend(sources(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            texts.push(text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned());
        }
    }
    texts
}

/// The strings that name a variable, in a file that has to do with the environment: they are in
/// capitals, and neither the value of an option nor for the compiler.
fn variables(source: &str) -> impl Iterator<Item = &str> {
    let strings = source.split('"').filter(|_| source.contains("env::"));
    let pairs = strings.clone().zip(strings.skip(1));
    pairs.filter_map(|(before, text)| {
        let capitals = text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let other = before.ends_with("default = ") || before.ends_with("env!(");
        (text.len() > 1 && capitals && !other).then_some(text)
    })
}

#[test]
fn the_manual_names_every_environment_variable_that_is_read_and_no_other() {
    let sources = sources(Path::new("src"));
    let mut read: BTreeSet<&str> = sources.iter().flat_map(|source| variables(source)).collect();
    for (call, names) in READ_ELSEWHERE {
        if sources.iter().any(|source| source.contains(call)) {
            read.extend(names);
        }
    }
    let lines = section(".Sh ENVIRONMENT").into_iter();
    let items = lines.filter_map(|line| line.strip_prefix(".It Ev "));
    let described: BTreeSet<&str> = items.flat_map(|item| item.split(" , ")).collect();
    assert_eq!(described, read);
}

#[test]
fn the_frames_that_the_protocol_page_shows_are_those_of_the_specification() {
    let shown: Vec<&str> =
        PROTOCOL_PAGE.lines().filter(|line| line.starts_with(['<', '>'])).collect();
    assert!(shown.len() > 2);
    for line in shown {
        let (bytes, meaning) = line.split_once("   ").unwrap();
        let meant = |row: &str| row.starts_with(bytes) && row.ends_with(meaning.trim());
        assert!(SPECIFICATION.lines().any(meant), "{line}");
    }
}
