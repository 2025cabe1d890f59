//! Every sentence that the program can say is quoted in a test.
//!
//! The sources are searched for literals that are sentences, and the tests for the same words. That
//! a test quotes a sentence does not prove that it provokes it; but a new sentence fails here until
//! a test names it, and whoever words one in another way has to look at what tests it. The
//! invariant: what cannot be provoked stands in [`UNPROVOKED`], with the reason, and nothing else
//! does.

use std::fs;
use std::path::{Path, PathBuf};

/// Sentences that no test can make the program say.
const UNPROVOKED: &[(&str, &str)] = &[
    ("' has no address; use an IP address instead", "the resolver has an address or an error"),
    ("cannot listen on port", "it takes a system without descriptors, on which no program starts"),
    ("cannot restore signal dispositions", "sigaction(2) fails for signals that do not exist"),
    (
        "cannot redirect standard input and output",
        "dup2(2) fails for descriptors that are not open",
    ),
    ("no descriptor that select can wait for is free", "a helper has closed the others"),
    ("another thread is running", BUG),
    ("a String takes everything", BUG),
    ("more bytes filled than there was room for", BUG),
    ("more bytes taken than there are", BUG),
    ("the call is known", BUG),
    ("a HELLO has a name of 1 to 64 bytes", BUG),
    ("bytes are held", BUG),
    ("nothing was pasted: the line holds 64 KB; send longer text through a pipe", PICTURE),
    ("/help lists keys and commands; /quit leaves", HELP),
    ("Left, Right, Home, End move the cursor; with Ctrl or Alt by word (also Alt-B, Alt-F)", HELP),
    (
        "Ctrl-W, Ctrl-U, Ctrl-K, Alt-D cut text; Ctrl-Y pastes it back; Ctrl-T swaps two characters",
        HELP,
    ),
    ("Up and Down recall earlier lines; Ctrl-L clears the screen; Ctrl-Z suspends", HELP),
];

/// Files whose sentences are no errors: the rules that `talk check` tests, in the words of its
/// report.
const RULES: [&str; 4] = [
    "src/modes/check/acks.rs",
    "src/modes/check/trial.rs",
    "src/modes/check/rules.rs",
    "src/modes/check/wire.rs",
];

const BUG: &str = "only a mistake in this program says it";
const HELP: &str = "no error; the pictures of the editor have it by its name";
const PICTURE: &str = "a picture of the editor has it in two rows";

/// The string literals of Rust source, without those in comments and attributes.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '\'', '/', '#']) {
        let here = &rest[at..];
        let length = if here.starts_with("//") {
            here.find('\n').unwrap_or(here.len())
        } else if here.starts_with("#[") || here.starts_with("#![") {
            attribute(here)
        } else if here.starts_with('"') {
            let (text, length) = literal(here);
            found.push(text);
            length
        } else if here.starts_with("'\"'") || here.starts_with("'\\") {
            here[2..].find('\'').map_or(3, |end| end + 3)
        } else {
            1
        };
        rest = &here[length..];
    }
    found
}

/// The literal at the start of `source`: what it says, and how many bytes it takes.
fn literal(source: &str) -> (String, usize) {
    let mut text = String::new();
    let mut characters = source.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match characters.next() {
                // It goes on with the first word of the next line.
                Some((_, '\n')) => {
                    let rest = source[at + 2..].trim_start();
                    let next = source.len() - rest.len();
                    while characters.clone().next().is_some_and(|(at, _)| at < next) {
                        characters.next();
                    }
                }
                Some((_, 'n')) => text.push('\n'),
                Some((_, escaped)) => text.push(escaped),
                None => {}
            },
            c => text.push(c),
        }
    }
    panic!("a literal without an end: {text}");
}

/// How many bytes the attribute at the start of `source` takes.
fn attribute(source: &str) -> usize {
    let mut depth = 0;
    let mut rest = source;
    while let Some(at) = rest.find(['[', ']', '"']) {
        let length = match &rest[at..=at] {
            "\"" => literal(&rest[at..]).1,
            bracket => {
                depth += if bracket == "[" { 1 } else { -1 };
                1
            }
        };
        rest = &rest[at + length..];
        if depth == 0 {
            return source.len() - rest.len();
        }
    }
    panic!("an attribute without an end");
}

/// The words of a literal that are always there: the longest piece between what is filled in.
fn fixed(literal: &str) -> &str {
    let pieces =
        literal.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, after)| after));
    pieces.map(str::trim).max_by_key(|piece| piece.len()).unwrap_or_default()
}

fn is_sentence(text: &str) -> bool {
    text.split(' ').filter(|word| word.chars().any(char::is_lowercase)).count() > 2
}

/// The Rust sources under a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let sources = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    sources.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// What the program says, each with its file, and what the tests quote.
fn said_and_quoted() -> (Vec<(PathBuf, String)>, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut said, mut quoted) = (Vec::new(), Vec::new());
    for path in sources(&root.join("src")) {
        let source = fs::read_to_string(&path).unwrap();
        let is_test = path.components().any(|part| part.as_os_str() == "tests")
            || ["tests.rs", "fake.rs"].iter().any(|name| path.ends_with(name));
        let (program, tests) = if is_test {
            ("", source.as_str())
        } else {
            source.split_once("\n#[cfg(test)]\n").unwrap_or((&source, ""))
        };
        let path = path.strip_prefix(root).unwrap();
        if RULES.iter().any(|rules| path.ends_with(rules)) {
            continue;
        }
        said.extend(literals(program).into_iter().map(|text| (path.to_owned(), text)));
        quoted.extend(literals(tests));
    }
    for path in sources(&root.join("tests")) {
        if !path.ends_with(file!()) {
            quoted.extend(literals(&fs::read_to_string(path).unwrap()));
        }
    }
    (said, quoted.join("\n"))
}

#[test]
fn every_sentence_is_quoted_in_a_test_or_cannot_be_provoked() {
    let (said, quoted) = said_and_quoted();
    let sentences: Vec<(&PathBuf, &str)> = said
        .iter()
        .map(|(path, text)| (path, fixed(text)))
        .filter(|(_, text)| is_sentence(text))
        .collect();
    assert!(sentences.len() > 100, "only {} sentences were found", sentences.len());
    let excused = |sentence: &str| UNPROVOKED.iter().any(|&(text, _)| text == sentence);
    let unquoted: Vec<_> = sentences
        .iter()
        .filter(|(_, sentence)| !excused(sentence) && !quoted.contains(sentence))
        .collect();
    assert!(unquoted.is_empty(), "no test has these: {unquoted:#?}");
    for (text, reason) in UNPROVOKED {
        assert!(
            sentences.iter().any(|(_, sentence)| sentence == text),
            "nothing says {text:?} any more"
        );
        assert!(!quoted.contains(text), "a test has {text:?}, though: {reason}");
    }
}
