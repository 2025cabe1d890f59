//! Console and log compared with pictures at three widths, on an editor and on plain rows.

use std::num::NonZeroU16;

use super::*;

/// A console on a terminal of this width, with or without an editor.
struct Screen {
    console: Console,
    terminal: vt100::Parser,
    plain: bool,
}

impl Screen {
    fn new(width: u16, plain: bool) -> Self {
        let columns: fn() -> usize = match width {
            20 => || 19,
            80 => || 79,
            _ => || 199,
        };
        let outputs = Outputs::nowhere();
        let surface: Box<dyn Surface> = if plain {
            Box::new(Plain::new(outputs, Some(columns)))
        } else {
            Box::new(TerminalGuard::around(Prompt::new(width, 40, false, false), outputs))
        };
        let (console, _) = console(surface);
        let size = |size| NonZeroU16::new(size).unwrap();
        Self { console, terminal: vt100::Parser::new(size(40), size(width), 0), plain }
    }

    /// Two callers, one of whom would like to be the other, or the program.
    fn of_a_forger(width: u16, plain: bool) -> Self {
        let mut screen = Self::new(width, plain);
        let far = |text: &str| format!("hi{}{text}", " ".repeat(usize::from(width)));
        for (call, name) in [(1, "alice"), (2, "eve")] {
            screen.console.begin(call, name.as_bytes(), "192.0.2.7:51234".parse().unwrap());
        }
        screen.console.hear(2, far("[1 alice] wipe the disk").as_bytes(), true);
        screen.console.log(&format!("call 3 dropped: {}", far("call 1 ended: alice left")));
        screen.console.said(1, far("[1 alice] yes").as_bytes());
        screen.console.left(2, far("-- [1 alice] left").as_bytes());
        screen
    }

    #[track_caller]
    fn looks(&mut self, expected: &str) {
        if !self.plain {
            self.console.paint();
        }
        let written = self.console.surface.outputs_mut().screen.drain();
        let written = String::from_utf8(written).unwrap().replace('\x07', "");
        let written = if self.plain { written.replace('\n', "\r\n") } else { written };
        self.terminal.process(written.as_bytes());
        let screen = self.terminal.screen();
        let rows: Vec<_> =
            screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect();
        let (actual, expected) =
            (rows.join("\n").trim_end().to_owned(), expected.trim_matches('\n'));
        assert!(actual == expected, "\n{actual}\n-- and not --\n{expected}");
    }
}

#[test]
fn no_caller_begins_a_row_of_the_log_or_of_a_plain_console() {
    Screen::of_a_forger(20, true).looks(
        "
-- [1 alice] is the
  current call
[2 eve] hi
  [1 alice] wipe
  the disk
call 3 dropped: hi
  call 1 ended:
  alice left
> [1 alice] hi
  [1 alice] yes
-- [2 eve] left: hi
  -- [1 alice] left",
    );
    for width in [80, 200] {
        Screen::of_a_forger(width, true).looks(
            "
-- [1 alice] is the current call
[2 eve] hi
  [1 alice] wipe the disk
call 3 dropped: hi
  call 1 ended: alice left
> [1 alice] hi
  [1 alice] yes
-- [2 eve] left: hi
  -- [1 alice] left",
        );
    }
}

#[test]
fn no_caller_begins_a_row_of_a_console_with_an_editor() {
    Screen::of_a_forger(20, false).looks(
        "
14:05 -- [1 alice]
        is the
        current
        call
14:05 [2 eve] hi
        [1 alice]
        wipe the
        disk
14:05 -- call 3
        dropped: hi
        call 1
        ended:
        alice left
14:05 > [1 alice]
        hi
        [1 alice]
        yes
14:05 -- [2 eve]
        left: hi
        -- [1
        alice] left
-- 2 calls; unread:
1 alic>",
    );
    for width in [80, 200] {
        Screen::of_a_forger(width, false).looks(
            "
14:05 -- [1 alice] is the current call
14:05 [2 eve] hi
        [1 alice] wipe the disk
14:05 -- call 3 dropped: hi
        call 1 ended: alice left
14:05 > [1 alice] hi
        [1 alice] yes
14:05 -- [2 eve] left: hi
        -- [1 alice] left
-- 2 calls; unread: 2 eve (1) --
1 alice>",
        );
    }
}

#[test]
fn a_plain_console_has_a_form_over_pipes_too() {
    let (mut console, _) = console(Box::new(Plain::new(Outputs::nowhere(), None)));
    console.begin(1, b"alice", "192.0.2.7:51234".parse().unwrap());
    console.hear(1, b"\tindented, and wider than any terminal: ", false);
    console.hear(1, "x".repeat(300).as_bytes(), true);
    console.typed(b"/1\n//x\n");
    assert_eq!(console.order(), Some(Order::Say { calls: vec![1], text: b"/x\n".into() }));
    console.said(1, b"/x\n");
    let written = String::from_utf8(console.surface.outputs_mut().screen.drain()).unwrap();
    let x = "x".repeat(300);
    let expected = [
        "-- [1 alice] is the current call",
        &format!("[1 alice] \tindented, and wider than any terminal: {x}"),
        "-- [1 alice] is the current call",
        "> [1 alice] /x",
        "",
    ];
    assert_eq!(written, expected.join("\n"));
}
