//! What is written about the program, in the manual and the README, is what the program says of
//! itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::usage::{modes, options, usage};

const MANUAL: &str = include_str!("../man/talk.1");
const PROTOCOL_PAGE: &str = include_str!("../man/talk.7");
const README: &str = include_str!("../README.md");
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
                named.extend(options.map(in_usage));
            }
        }
        assert_eq!(named, options(&mode), "talk {mode}");
    }
}

/// What follows the `--` of an option in the README, up to its value.
fn in_usage(option: &str) -> String {
    let option = option.split(']').next().unwrap();
    match option.split_once(" <") {
        Some((name, value)) => format!("--{name} <{value}"),
        None => format!("--{}", option.split(' ').next().unwrap()),
    }
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
