//! The access lists of a desk: who comes in, by rules from the command line and from files that are
//! read again on SIGHUP.
//!
//! Next door, `admission` decides. The invariant: rules that cannot be read let nobody in by
//! accident: at start they are an error, later the rules that were stay.

use std::fs;

use anyhow::{Context, Result, anyhow};

use super::admission::{Admission, EXAMPLE, Limits, Networks, Rules};

/// Where rules are written: the values of `--allow` and `--deny`.
#[derive(Debug)]
pub struct Sources {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

/// Admission, and where its rules come from.
#[derive(Debug)]
pub struct AccessLists {
    pub admission: Admission,
    sources: Sources,
}

impl AccessLists {
    /// Access lists with these limits and rules.
    ///
    /// # Errors
    /// A file cannot be read, or what it holds is not understood.
    pub fn new(limits: Limits, sources: Sources) -> Result<Self> {
        Ok(Self { admission: Admission::new(limits, sources.read()?), sources })
    }

    /// Reads the rules again.
    ///
    /// # Errors
    /// They cannot be read: those that were stay.
    pub fn reload(&mut self) -> Result<()> {
        self.admission.replace_rules(self.sources.read()?);
        Ok(())
    }
}

impl Sources {
    fn read(&self) -> Result<Rules> {
        let all = |option: &str, sources: &[String]| -> Result<Vec<Networks>> {
            let list = |source: &String| read(source).with_context(|| format!("{option} {source}"));
            sources.iter().map(list).collect()
        };
        Ok(Rules { allow: all("--allow", &self.allow)?, deny: all("--deny", &self.deny)? })
    }
}

/// A network, or a file of them.
fn read(source: &str) -> Result<Networks> {
    if let Ok(networks) = source.parse() {
        return Ok(networks);
    }
    let text = fs::read_to_string(source)
        .with_context(|| format!("neither a network (such as {EXAMPLE}) nor a readable file"))?;
    text.parse().map_err(|error: String| anyhow!(error))
}
