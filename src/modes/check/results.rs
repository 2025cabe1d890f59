//! What a check prints: a line for each rule, for a person or as TAP version 14 (testanything.org).
//!
//! The invariant: what the implementation under test sent is printed only as `wire` quotes it,
//! sanitized.

use std::fmt::Arguments;
use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;

use super::rules::Rule;
use super::trial::Failing;
use crate::errors;

/// The results printed so far.
pub struct Results {
    tap: bool,
    rules: usize,
    broken: usize,
    skipped: usize,
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
        Ok(Self { tap, rules, broken: 0, skipped: 0, done: 0 })
    }

    /// Prints whether a rule holds, or that it was skipped.
    pub fn rule(&mut self, rule: &Rule, verdict: &Result<(), Failing>) -> Result<()> {
        self.done += 1;
        self.broken += usize::from(matches!(verdict, Err(Failing::Broken { .. })));
        self.skipped += usize::from(matches!(verdict, Err(Failing::NotOffered)));
        let (number, Rule { section, name, .. }) = (self.done, rule);
        match verdict {
            Ok(()) if self.tap => print(format_args!("ok {number} - {section}: {name}\n")),
            Ok(()) => print(format_args!("ok     {section}: {name}\n")),
            Err(Failing::Broken { expected, came }) if self.tap => print(format_args!(
                "not ok {number} - {section}: {name}\n  ---\n  expected: {}\n  came: {}\n  ...\n",
                yaml(expected),
                yaml(came)
            )),
            Err(Failing::NotOffered) if self.tap => {
                print(format_args!("ok {number} - {section}: {name} # SKIP not offered\n"))
            }
            Err(Failing::NotOffered) => {
                print(format_args!("skip   {section}: {name}; not offered\n"))
            }
            Err(Failing::Broken { expected, came }) => {
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
            let bind = self.rules - self.skipped;
            let skipped = match self.skipped {
                0 => String::new(),
                count => format!("; {count} skipped: the HELLO has no flag 0x08"),
            };
            print(format_args!("{} of {bind} rules hold{skipped}\n", bind - self.broken))?;
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
