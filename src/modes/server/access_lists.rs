//! Where the access lists come from: the command line, and files that are read again on SIGHUP.
//!
//! Next door, `admission` decides by them. The invariant: a list that cannot be read lets nobody in
//! by accident. At start it is an error, later the lists of before stay in force.

use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use ipnet::IpNet;

use super::admission::{EXAMPLE, Networks, Rules};

/// The values of `--allow` and `--deny`: networks, or files of them.
#[derive(Debug)]
pub struct Sources {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

impl Sources {
    /// Reads the lists.
    ///
    /// # Errors
    /// A file cannot be read, or what it holds is not understood.
    pub fn read(&self) -> Result<Rules> {
        let all = |option: &str, sources: &[String]| -> Result<Vec<Networks>> {
            let list = |source: &String| read(source).with_context(|| format!("{option} {source}"));
            sources.iter().map(list).collect()
        };
        Ok(Rules { allow: all("--allow", &self.allow)?, deny: all("--deny", &self.deny)? })
    }
}

/// A network, or a file of them.
fn read(source: &str) -> Result<Networks> {
    match source.parse::<Networks>() {
        Ok(networks) => return Ok(networks),
        // Written as a network, and not usable as one: it is not a file name either.
        Err(error) if source.parse::<IpNet>().is_ok() => bail!(error),
        Err(_) => {}
    }
    let text = fs::read_to_string(source)
        .with_context(|| format!("neither a network (such as {EXAMPLE}) nor a readable file"))?;
    text.parse().map_err(|error: String| anyhow!(error))
}
