//! What is written about the program, in the manual and the README, is what the program says of itself.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use support::usage::{modes, options, usage};

const MANUAL: &str = include_str!("../man/talk.1");
const PROTOCOL_PAGE: &str = include_str!("../man/talk.7");
const README: &str = include_str!("../README.md");
const SPECIFICATION: &str = include_str!("../docs/PROTOCOL.md");

/// What libraries read, and what in the source calls them.
const READ_ELSEWHERE: [(&str, &[&str]); 4] = [
    ("sd_notify::listen_fds", &["LISTEN_FDS", "LISTEN_PID"]),
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

/// Words of mdoc in the form of a usage: `Fl -name Ar name` is `--name <name>`.
fn in_words(mdoc: &str) -> String {
    let mut words = mdoc.split_whitespace();
    let mut pieces = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "Fl" => pieces.push(format!("-{}", words.next().unwrap())),
            "Ar" => pieces.push(format!("<{}>", words.next().unwrap())),
            other => panic!("{other} in the manual's {mdoc}"),
        }
    }
    pieces.join(" ")
}

fn synopsis(mode: &str) -> Vec<String> {
    let lines = section(".Sh SYNOPSIS").into_iter();
    lines
        .skip_while(|line| *line != format!(".Nm talk Cm {mode}"))
        .skip(1)
        .take_while(|line| !line.starts_with(".Nm"))
        .map(|line| match line.strip_prefix(".Op ") {
            Some(optional) => format!("[{}]", in_words(optional)),
            None => in_words(&line[1..]),
        })
        .collect()
}

#[test]
fn the_synopsis_of_each_mode_is_its_usage() {
    for mode in modes() {
        assert_eq!(synopsis(&mode), usage(&mode), "talk {mode}");
    }
}

#[test]
fn the_manual_describes_every_option_of_each_mode_and_no_other() {
    let described: Vec<&str> =
        MANUAL.lines().filter_map(|line| line.strip_prefix(".Ss talk ")).collect();
    assert_eq!(described, modes());
    for mode in modes() {
        let lines = section(&format!(".Ss talk {mode}")).into_iter();
        let items = lines.filter_map(|line| line.strip_prefix(".It ")).map(in_words);
        assert_eq!(items.collect::<BTreeSet<_>>(), options(&mode), "talk {mode}");
    }
}

#[test]
fn the_tables_of_the_readme_name_every_option_of_each_mode_and_no_other() {
    for mode in modes() {
        let mut named = BTreeSet::new();
        let mut in_table = false;
        for line in README.lines() {
            let cell = line.strip_prefix('|').and_then(|row| row.split('|').next());
            in_table &= cell.is_some();
            let Some(cell) = cell else { continue };
            in_table |= cell.contains(&format!("option of `talk {mode}`"));
            if in_table || cell.starts_with(&format!(" `talk {mode} ")) {
                let code = cell.split('`').skip(1).step_by(2);
                let options = code.flat_map(|code| code.split("--").skip(1));
                let end = |option: &str| option.split(']').next().unwrap().to_owned();
                named.extend(options.map(|option| format!("--{}", end(option))));
            }
        }
        assert_eq!(named, options(&mode), "talk {mode}");
    }
}

/// The source without its tests.
fn source(directory: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        } else if path.is_dir() {
            text += &source(&path);
        } else {
            let module = "#[cfg(test)]\nmod tests {";
            text += fs::read_to_string(&path).unwrap().split(module).next().unwrap();
        }
    }
    text
}

#[test]
fn the_manual_names_every_environment_variable_that_is_read_and_no_other() {
    let source = source(Path::new("src"));
    let is_variable =
        |text: &str| text.len() > 1 && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    // Whole strings in capitals, but for constants in attributes and what the compiler reads.
    let strings: Vec<&str> = source.split('"').collect();
    let is_read = |before: &str| !before.ends_with("default = ") && !before.ends_with("env!(");
    let found = strings.windows(2).filter(|pair| is_read(pair[0]) && is_variable(pair[1]));
    let mut read: BTreeSet<&str> = found.map(|pair| pair[1]).collect();
    for (call, variables) in READ_ELSEWHERE {
        if source.contains(call) {
            read.extend(variables);
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
