//! What holds whatever is typed and whatever arrives.

use proptest::prelude::*;

use super::*;

/// What is left of the output without the sequences that this program writes.
fn without_own_sequences(output: &str) -> String {
    let ours = [
        "[?2004h", "[?2004l", "[?7h", "[?7l", "[?25h", "[?25l", "[J", "[K", "[H", "[m", "[7m",
        "[36m",
    ];
    let ours = [ours.as_slice(), &["[1;32m", "[35m", "[2m", "7", "8"]].concat();
    let mut parts = output.split('\x1B');
    let mut left = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let moved = part.strip_prefix('[').map(|part| part.trim_start_matches(char::is_numeric));
        let moved = moved.and_then(|part| part.strip_prefix('A'));
        let known = ours.iter().find_map(|sequence| part.strip_prefix(sequence)).or(moved);
        left += known.unwrap_or("\x1B");
    }
    left
}

/// Bytes that a hostile peer may send: any, and what terminals are known to obey.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..30),
        prop::sample::select(vec![
            "\x1B]0;title\x07",
            "\x1B[21t",
            "\x1BP$q\"p\x1B\\",
            "\x1B]52;c;AAAA\x07",
            "\x1B[6n",
            "\x1B[?1049h",
            "\u{9B}2J",
            "\u{9D}0;x\u{9C}",
            "\u{90}+q\u{9C}",
            "\x1Bc",
            "\x05",
            "\r14:05 > bob: forged",
            "\n\x0B\x0C",
            "\u{202E}gro\u{200B}",
            "\u{2028}",
            "👨‍👩‍👧",
            "漢字\t漢字",
            "\x7F\x08\x08",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Type(char),
    Enter,
    Hear(Vec<u8>, bool),
    Notice(String),
    Resize(u16, u16),
    Paint,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::char::any().prop_filter("typed", |c| !c.is_control()).prop_map(Step::Type),
        6 => prop::char::range(' ', '~').prop_map(Step::Type),
        1 => Just(Step::Enter),
        4 => (hostile(), any::<bool>()).prop_map(|(text, complete)| Step::Hear(text, complete)),
        1 => "\\PC{0,60}".prop_map(Step::Notice),
        1 => (1u16..50, 1u16..12).prop_map(|(width, height)| Step::Resize(width, height)),
        3 => Just(Step::Paint),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_arrives_what_is_typed_is_said_once_and_in_order(
        steps in prop::collection::vec(step(), 0..80),
        reflows: bool,
        colour: bool,
    ) {
        let mut desk = Desk::ringing(Look { reflows, colour, ..look(40, 8) });
        desk.shows(Event::Answered { name: b"alice" });
        desk.open = true;
        let (mut typed, mut said) = (String::new(), String::new());
        for step in steps {
            match step {
                // A slash may begin a command.
                Step::Type('/') => {}
                Step::Type(c) => {
                    typed.push(c);
                    desk.types(c.to_string());
                }
                Step::Enter if typed.is_empty() => {}
                Step::Enter => {
                    said += &(std::mem::take(&mut typed) + "\n");
                    desk.types("\r");
                }
                Step::Hear(text, complete) => {
                    desk.screen.show(Event::Text { text: &text, complete });
                }
                Step::Notice(text) => desk.screen.show(Event::Notice(&text)),
                Step::Resize(width, height) => {
                    desk.resizes(width, height);
                }
                Step::Paint => desk.paint(),
            }
            prop_assert_eq!(desk.prompt().text(), &typed);
            prop_assert_eq!(&desk.said, &said);
            let left = without_own_sequences(&desk.painted);
            prop_assert!(!left.replace(['\r', '\n'], "").contains(char::is_control), "{:?}", left);
        }
    }

    #[test]
    fn no_row_of_untrusted_text_looks_like_another(
        texts in prop::collection::vec(hostile(), 0..20),
        width in 4u16..60,
    ) {
        let mut desk = Desk::new(width, 8);
        let mut output = String::new();
        for text in texts {
            output += &desk.hears_part(&text).painted;
            output += &desk.hears(&text).painted;
        }
        let heads = ["14:05 < alice:", "14:05 -- alice answered"];
        for row in without_own_sequences(&output).split(['\r', '\n']) {
            let known = heads.iter().any(|head| row.starts_with(head) || head.starts_with(row));
            let status = row.starts_with("-- alice") || "-- alice".starts_with(row);
            let live = status || row.starts_with("> ");
            prop_assert!(known || live || row.starts_with(' '), "{row:?}");
        }
        for marked in output.split("\x1B[7m").skip(1) {
            let (marked, _) = marked.split_once("\x1B[m").unwrap();
            prop_assert!("14:05".contains(marked), "{marked:?}");
        }
    }

    #[test]
    fn the_live_area_is_the_last_rows(
        steps in prop::collection::vec(("\\PC{0,40}", 30u16..90, 3u16..12), 1..12),
    ) {
        let mut desk = Desk::new(40, 8);
        for (text, width, height) in steps {
            desk.resizes(width, height).types(text.replace('/', ""));
            desk.hears(text);
            let picture = desk.picture();
            let mut rows = picture.lines().rev();
            let typed = |row: &str| row.starts_with(['>', '<']) && row.contains('▏');
            prop_assert!(rows.next().is_some_and(typed), "{picture}");
            prop_assert!(rows.next().is_some_and(|row| row.starts_with("-- alice")), "{picture}");
        }
    }

    #[test]
    fn the_screen_does_not_depend_on_where_keys_are_cut(
        keys in prop::collection::vec(
            prop_oneof![
                "[a-z 漢é👨\u{200D}\r]{0,8}",
                "\\x1B\\[[ABCDHF]",
                "[\x01-\x1F\x7F]",
                "\\x1B[bfd\x7F]",
                Just("\x1B[200~a\rb\x1B[201~".to_owned()),
            ],
            0..20,
        ),
        cut in 1usize..7,
    ) {
        let bytes = keys.concat().into_bytes();
        let (mut whole, mut pieces) = (Desk::new(30, 6), Desk::new(30, 6));
        whole.types(&bytes);
        for piece in bytes.chunks(cut) {
            if !pieces.left {
                pieces.types(piece);
                // Each paint says once where the cursor is.
                let saves = pieces.painted.matches("\x1B7").count();
                prop_assert!(pieces.painted.is_empty() || saves == 1);
            }
        }
        prop_assert_eq!(&whole.said, &pieces.said);
        prop_assert_eq!(whole.prompt().text(), pieces.prompt().text());
        if !whole.left {
            // Where the cursor is.
            prop_assert_eq!(whole.types("|").prompt().text(), pieces.types("|").prompt().text());
        }
        // Which part of a long line is visible depends on where the cursor has been seen.
        let scrollback = |desk: &mut Desk| {
            let picture = desk.picture();
            picture.rsplit_once('\n').map(|(rows, _)| rows.replace(" -- the line is full", ""))
        };
        prop_assert_eq!(scrollback(&mut whole), scrollback(&mut pieces));
    }
}
