//! What a check prints: a line for each rule, for a person or as TAP version 14 (testanything.org).
//!
//! The invariant: what the implementation under test sent is printed only as `wire` quotes it,
//! sanitized.

use std::fmt::Arguments;
use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;

use super::rules::Rule;
use super::trial::Breach;
use crate::errors;

/// The results printed so far.
pub struct Results {
    tap: bool,
    rules: usize,
    broken: usize,
    done: usize,
}

impl Results {
    /// Begins the results of so many rules.
    ///
    /// # Errors
    /// Standard output cannot be written, as in the other methods.
    pub fn begin(tap: bool, rules: usize) -> Result<Self> {
        if tap {
            print(format_args!("TAP version 14\n1..{rules}\n"))?;
        }
        Ok(Self { tap, rules, broken: 0, done: 0 })
    }

    /// Prints whether a rule holds.
    pub fn rule(&mut self, rule: &Rule, verdict: &Result<(), Breach>) -> Result<()> {
        self.done += 1;
        self.broken += usize::from(verdict.is_err());
        let (number, Rule { section, name, .. }) = (self.done, rule);
        match verdict {
            Ok(()) if self.tap => print(format_args!("ok {number} - {section}: {name}\n")),
            Ok(()) => print(format_args!("ok     {section}: {name}\n")),
            Err(Breach { expected, came }) if self.tap => print(format_args!(
                "not ok {number} - {section}: {name}\n  ---\n  expected: {}\n  came: {}\n  ...\n",
                yaml(expected),
                yaml(came)
            )),
            Err(Breach { expected, came }) => {
                print(format_args!("wrong  {section}: {name}; expected {expected}, got {came}\n"))
            }
        }
    }

    /// Says why the rules that are left are not checked.
    pub fn bail_out(&self, why: &anyhow::Error) -> Result<()> {
        if self.tap { print(format_args!("Bail out! {}\n", errors::reasons(why))) } else { Ok(()) }
    }

    /// Ends the report, and with it the program.
    pub fn end(self) -> Result<ExitCode> {
        if !self.tap {
            print(format_args!("{} of {} rules hold\n", self.rules - self.broken, self.rules))?;
        }
        Ok(if self.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A single-quoted YAML string.
fn yaml(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn print(text: Arguments<'_>) -> Result<()> {
    let mut out = stdout();
    out.write_fmt(text)
        .and_then(|()| out.flush())
        .map_err(errors::failed("cannot print the results", "redirect stdout elsewhere"))
}
