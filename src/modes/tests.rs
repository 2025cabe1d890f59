//! The option lists that are checked in: of the manual, the README and the completions.
//!
//! They are generated from what each mode declares with argh, between lines that say
//! `GENERATED <block>` and `END <block>`. The invariant: nobody edits them; the test fails while
//! they differ from the declarations, and `make option-lists` writes them.

use std::path::Path;
use std::{env, fs};

use argh::{ArgsInfo, CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality, PositionalInfo};

use super::{MODES, check, client, handler, server};

/// Set to write the lists instead of comparing them.
const WRITE: &str = "TALK_WRITE_OPTION_LISTS";
/// The width of the manual's source, in columns.
const WIDTH: usize = 80;

/// A mode, as its command line is declared.
struct Declared {
    name: &'static str,
    about: &'static str,
    info: CommandInfoWithArgs,
}

impl Declared {
    /// The options, without `--help`, which argh lists first in each mode.
    fn options(&self) -> &'static [FlagInfo<'static>] {
        &self.info.flags[1..]
    }
}

fn declared() -> Vec<Declared> {
    let declare = |mode: super::Mode| {
        let info = match mode.name {
            "client" => client::Options::get_args_info(),
            "server" => server::Options::get_args_info(),
            "handler" => handler::Options::get_args_info(),
            "check" => check::Options::get_args_info(),
            other => panic!("which options does {other} have?"),
        };
        Declared { name: mode.name, about: mode.about, info }
    };
    MODES.map(declare).into()
}

#[test]
fn option_lists_are_those_of_the_modes() {
    let modes = declared();
    let mut manual = vec![("synopsis".to_owned(), synopsis(&modes))];
    manual.extend(modes.iter().map(|mode| (format!("talk {}", mode.name), items(mode))));
    let block = |text| vec![("modes".to_owned(), text)];
    let mut stale = Vec::new();
    for (file, blocks) in [
        ("man/talk.1", manual),
        ("README.md", block(table(&modes))),
        ("completions/talk.bash", block(bash(&modes))),
        ("completions/_talk", block(zsh(&modes))),
        ("completions/talk.fish", block(fish(&modes))),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let old = fs::read_to_string(&path).unwrap();
        let new = blocks.iter().fold(old.clone(), |text, (name, lines)| renew(&text, name, lines));
        if env::var_os(WRITE).is_some() {
            fs::write(&path, new).unwrap();
        } else if new != old {
            stale.push(file);
        }
    }
    assert!(stale.is_empty(), "run make option-lists to update {stale:?}");
}

/// The text with new lines in a block.
fn renew(text: &str, name: &str, lines: &str) -> String {
    let (begin, end) = (format!("GENERATED {name}:"), format!("END {name}"));
    assert!(text.contains(&begin) && text.contains(&end), "there is no block {name}");
    let (mut new, mut kept) = (String::new(), true);
    for line in text.lines() {
        kept |= line.contains(&end);
        if kept {
            new += &format!("{line}\n");
        }
        if line.contains(&begin) {
            new += lines;
            kept = false;
        }
    }
    new
}

/// The name of an option's value, unless it is a switch.
fn value<'a>(option: &FlagInfo<'a>) -> Option<&'a str> {
    match option.kind {
        FlagInfoKind::Switch => None,
        FlagInfoKind::Option { arg_name } => Some(arg_name),
    }
}

/// The start of a description, up to its first punctuation.
fn brief(description: &str) -> &str {
    let ends = [" (", "; ", ": ", ", "];
    let end = ends.iter().filter_map(|end| description.find(end)).min();
    let brief = &description[..end.unwrap_or(description.len())];
    assert!(!brief.contains(['"', '$', '\\', '`', '[', ']', ':']), "{brief}: quote it");
    brief
}

fn capitalized(text: &str) -> String {
    text[..1].to_uppercase() + &text[1..]
}

/// Whether an argument can be left out, and whether it can be repeated.
fn bounds(argument: &PositionalInfo<'_>) -> (bool, bool) {
    (argument.optionality != Optionality::Required, argument.optionality == Optionality::Repeating)
}

fn synopsis(modes: &[Declared]) -> String {
    let mut text = String::new();
    for mode in modes {
        text += &format!(".Nm talk Cm {}\n", mode.name);
        for option in mode.options() {
            text += &format!(".Op {}\n", mdoc_option(option));
        }
        for argument in mode.info.positionals {
            let (optional, repeated) = bounds(argument);
            let (op, dots) =
                (if optional { "Op " } else { "" }, if repeated { " ..." } else { "" });
            text += &format!(".{op}Ar {}{dots}\n", argument.name);
        }
    }
    text
}

fn mdoc_option(option: &FlagInfo<'_>) -> String {
    let argument = value(option).map(|name| format!(" Ar {name}"));
    format!("Fl {}{}", &option.long[1..], argument.unwrap_or_default())
}

/// The list of a mode's arguments and options in the manual.
fn items(mode: &Declared) -> String {
    let arguments = mode.info.positionals.iter();
    let arguments = arguments.map(|it| (format!("Ar {}", it.name), it.description));
    let options = mode.options().iter().map(|it| (mdoc_option(it), it.description));
    let mut text = String::from(".Bl -tag -width Ds\n");
    for (head, description) in arguments.chain(options) {
        text += &format!(".It {head}\n{}", mdoc_text(&(capitalized(description) + ".")));
    }
    text + ".El\n"
}

/// Running text as mdoc: `--option` and `$VARIABLE` become macros, and lines are wrapped.
fn mdoc_text(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let marked = [("--", ".Fl -"), ("$", ".Ev ")]
            .iter()
            .find_map(|(mark, command)| Some((word.strip_prefix(mark)?, command)));
        if let Some((word, command)) = marked {
            let name = word.trim_end_matches([',', ';', ')', '.', ':']);
            let punctuation: String = word[name.len()..].chars().flat_map(|c| [' ', c]).collect();
            lines.extend([format!("{command}{name}{punctuation}"), String::new()]);
            continue;
        }
        let line = lines.last_mut().unwrap();
        if line.is_empty() {
            // A line that begins with a quote or a full stop would be a command.
            line.push_str(if word.starts_with(['\'', '.']) { "\\&" } else { "" });
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.into());
        }
    }
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}

/// The rows of the README's table of modes.
fn table(modes: &[Declared]) -> String {
    let row = |mode: &Declared| {
        let mut usage = format!("talk {}", mode.name);
        for option in mode.options() {
            let value = value(option).map(|name| format!(" <{name}>"));
            usage += &format!(" [{}{}]", option.long, value.unwrap_or_default());
        }
        for argument in mode.info.positionals {
            usage += &match bounds(argument) {
                (false, _) => format!(" <{}>", argument.name),
                (true, false) => format!(" [<{}>]", argument.name),
                (true, true) => format!(" [<{}>...]", argument.name),
            };
        }
        format!("| `{usage}` | {} |\n", mode.about)
    };
    format!("\n| | |\n|---|---|\n{}\n", modes.iter().map(row).collect::<String>())
}

fn bash(modes: &[Declared]) -> String {
    let names: Vec<&str> = modes.iter().map(|mode| mode.name).collect();
    let mut valued: Vec<&str> = modes
        .iter()
        .flat_map(|mode| mode.options().iter().filter(|option| value(option).is_some()))
        .map(|option| option.long)
        .collect();
    valued.sort_unstable();
    valued.dedup();
    let mut text = format!("_talk_lists() {{\n    modes='{}'\n", names.join(" "));
    text += &format!("    valued=' {} '\n    case $1 in\n", valued.join(" "));
    for mode in modes {
        let options: String =
            mode.options().iter().map(|option| option.long.to_owned() + " ").collect();
        text += &format!("    {}) options='{options}--help' ;;\n", mode.name);
    }
    text + "    esac\n}\n"
}

fn zsh(modes: &[Declared]) -> String {
    let mut text = String::from("modes=(\n");
    for mode in modes {
        text += &format!("    \"{}:{}\"\n", mode.name, brief(mode.about));
    }
    text += ")\ncase $mode in\n";
    let action = |name: &str| format!("{name}:${{values[{name}]:- }}");
    for mode in modes {
        text += &format!("{})\n    arguments=(\n", mode.name);
        for option in mode.options() {
            let many = if option.optionality == Optionality::Repeating { "*" } else { "" };
            let (equals, action) = match value(option) {
                Some(name) => ("=", format!(":{}", action(name))),
                None => ("", String::new()),
            };
            let (long, about) = (option.long, brief(option.description));
            text += &format!("        \"{many}{long}{equals}[{about}]{action}\"\n");
        }
        for argument in mode.info.positionals {
            let many = if bounds(argument).1 { "*" } else { "" };
            text += &format!("        \"{many}:{}\"\n", action(argument.name));
        }
        text += "    )\n    ;;\n";
    }
    text + "esac\n"
}

fn fish(modes: &[Declared]) -> String {
    let names: Vec<&str> = modes.iter().map(|mode| mode.name).collect();
    let mut text = String::from("function __talk_options\n    switch $argv[1]\n");
    for mode in modes {
        let spec = |it: &FlagInfo<'_>| {
            format!(" {}{}", &it.long[2..], if value(it).is_some() { "=" } else { "" })
        };
        let specs: String = mode.options().iter().map(spec).collect();
        text += &format!("        case {}\n            printf '%s\\n'{specs}\n", mode.name);
    }
    text += "    end\nend\n";
    for mode in modes {
        let about = capitalized(brief(mode.about));
        text += &format!("complete -c talk -n __talk_in -a {} -d \"{about}\"\n", mode.name);
    }
    text += &format!("complete -c talk -n '__talk_in help' -a '{}'\n", names.join(" "));
    text += "for program in talk talk_client talk_server\n";
    for mode in modes {
        for option in mode.options() {
            let value = value(option).map(|name| format!(" (__talk_value {name})"));
            text += &format!(
                "    complete -c $program -n '__talk_in {}' -l {}{} -d \"{}\"\n",
                mode.name,
                &option.long[2..],
                value.unwrap_or_default(),
                capitalized(brief(option.description))
            );
        }
    }
    text + "end\n"
}
