//! A conversation on plain rows, compared with pictures at three widths.

use super::*;
use crate::terminal::assembler::PARTIAL_LIMIT;
use crate::terminal::plain::Plain;

/// What bob sees on a terminal of this width that obeys nothing but line ends.
struct Paper {
    screen: ConversationScreen<Plain>,
    terminal: vt100::Parser,
}

impl Paper {
    fn new(width: u16, name: &str) -> Self {
        let columns: fn() -> usize = match width {
            20 => || 19,
            80 => || 79,
            _ => || 199,
        };
        let plain = Plain::new(Outputs::nowhere(), Some(columns));
        let terminal = vt100::Parser::new(size(24), size(width), 5000);
        let mut paper = Self { screen: screen(plain, false, true), terminal };
        paper.shows(Event::Answered { name: name.as_bytes() });
        paper
    }

    fn shows(&mut self, event: Event<'_>) -> &mut Self {
        self.screen.show(event);
        let written = String::from_utf8(self.screen.outputs().screen.drain()).unwrap();
        self.terminal.process(written.replace('\n', "\r\n").as_bytes());
        self
    }

    fn hears(&mut self, text: &str) -> &mut Self {
        self.shows(Event::Text { text: text.as_bytes(), complete: true })
    }

    #[track_caller]
    fn looks(&mut self, expected: &str) {
        let (actual, expected) = (picture(&mut self.terminal), expected.trim_matches('\n'));
        assert!(actual == expected, "\n{actual}\n-- and not --\n{expected}");
    }
}

const FORGER: &str = "-- the desk has moved";
const FORGED: &str = "yes                                 -- alice left";

#[test]
fn a_peer_writes_no_row_of_the_programs_on_20_columns() {
    Paper::new(20, FORGER).hears(FORGED).shows(Event::Left { reason: b"gone for lunch" }).looks(
        r#"
-- "-- the desk has
  moved" answered
< -- the desk has
  moved: yes
  -- alice left
-- "-- the desk has
  moved" left: gone
  for lunch
▏"#,
    );
}

#[test]
fn a_peer_writes_no_row_of_the_programs_on_80_columns() {
    let far = format!("{FORGED}{}-- alice left", " ".repeat(40));
    Paper::new(80, FORGER).hears(FORGED).hears(&far).looks(
        r#"
-- "-- the desk has moved" answered
< -- the desk has moved: yes                                 -- alice left
< -- the desk has moved: yes                                 -- alice left
  -- alice left
▏"#,
    );
}

#[test]
fn a_peer_writes_no_row_of_the_programs_on_200_columns() {
    let far = format!("yes{}-- alice left", " ".repeat(195));
    Paper::new(200, FORGER).hears(&far).looks(
        r#"
-- "-- the desk has moved" answered
< -- the desk has moved: yes
  -- alice left
▏"#,
    );
}

#[test]
fn a_long_line_says_where_it_goes_on() {
    let mut paper = Paper::new(200, "alice");
    paper.hears("before");
    for _ in 0..PARTIAL_LIMIT / 1000 {
        paper.shows(Event::Text { text: &[b'x'; 1024], complete: false });
    }
    paper.shows(Event::Text { text: b"yz", complete: false });
    let picture = picture(&mut paper.hears("end").terminal);
    let heads: Vec<&str> = picture.lines().filter(|row| row.starts_with('<')).collect();
    assert_eq!(heads, ["< alice: before", "< alice:", "< alice, continued: end"]);
}
