//! Completions in the real shells, read from where `make install` puts them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use crate::support::tmux::Tmux;
use crate::support::usage::{modes, options};
use crate::support::{TALK, command, installed};
use tempfile::TempDir;

const KNOWN_HOSTS: &str = "\
    planet-one.example,192.0.2.4 ssh-ed25519 AAAA\n\
    |1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 AAAA\n\
    # a comment\n\
    [planet-two]:2222,2001:db8::2 ssh-ed25519 AAAA\n";

/// Somebody's home, and what they have installed below it.
struct Home {
    dir: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: TempDir::new().unwrap() };
        let mut make =
            command("make", &["-s", "install-files", &format!("PREFIX={}", home.path())]);
        assert!(make.env_remove("MAKEFLAGS").status().unwrap().success());
        // fish completes only what it can start.
        fs::create_dir(home.dir.path().join("bin")).unwrap();
        for name in ["talk", "talk_client", "talk_server"] {
            symlink(TALK, home.dir.path().join("bin").join(name)).unwrap();
        }
        fs::create_dir(home.dir.path().join(".ssh")).unwrap();
        home.write(".ssh/known_hosts", KNOWN_HOSTS);
        home
    }

    fn path(&self) -> &str {
        self.dir.path().to_str().unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// Variables that lead a shell to this home and to nobody else's settings.
    fn variables(&self) -> [String; 6] {
        let home = self.path();
        [
            format!("PATH={home}/bin:{}", std::env::var("PATH").unwrap()),
            format!("HOME={home}"),
            format!("ZDOTDIR={home}"),
            format!("XDG_CONFIG_HOME={home}/config"),
            format!("XDG_DATA_HOME={home}/data"),
            format!("XDG_DATA_DIRS={home}/share:/usr/share"),
        ]
    }
}

/// A shell that completes what is typed.
trait Shell {
    /// Completing this line offers these words, of which there are several.
    fn offers(&self, line: &str, words: &BTreeSet<String>);

    /// Completing this line makes it that one.
    fn completes(&self, line: &str, whole: &str);
}

/// A shell in which keys are pressed, and that lists what it offers in columns.
struct Interactive {
    tmux: Tmux,
    _home: Home,
}

impl Interactive {
    fn start(home: Home, shell: &str) -> Self {
        let tmux = Tmux::open(120, 50);
        tmux.command(&format!("exec env {} {shell}", home.variables().join(" ")));
        tmux.wait_for_last_row(">");
        Self { tmux, _home: home }
    }

    fn press_tab_after(&self, line: &str) {
        self.tmux.press(&["C-u", "C-l"]);
        self.tmux.types(line);
        self.tmux.press(&["Tab"]);
    }
}

impl Shell for Interactive {
    fn offers(&self, line: &str, words: &BTreeSet<String>) {
        self.press_tab_after(line);
        let prompt = format!("> {line}");
        self.tmux.wait_until(&format!("{words:?} for {line:?}"), |screen| {
            let rows = || screen.lines().map(str::trim_end);
            let listed = rows().filter(|row| !row.starts_with('>')).flat_map(str::split_whitespace);
            let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
            rows().next() == Some(prompt.trim_end()) && listed == *words
        });
    }

    fn completes(&self, line: &str, whole: &str) {
        self.press_tab_after(line);
        self.tmux.wait_until(whole, |screen| screen.trim_end() == format!("> {whole}"));
    }
}

/// fish, which says what it would offer.
struct Fish {
    home: Home,
}

impl Fish {
    fn candidates(&self, line: &str) -> BTreeSet<String> {
        let mut fish = command("env", &[]);
        fish.args(self.home.variables()).args([
            installed("fish"),
            "-c",
            "complete -C $argv[1]",
            line,
        ]);
        let said = String::from_utf8(fish.output().unwrap().stdout).unwrap();
        said.lines().map(|row| row.split('\t').next().unwrap().to_owned()).collect()
    }
}

impl Shell for Fish {
    fn offers(&self, line: &str, words: &BTreeSet<String>) {
        assert_eq!(self.candidates(line), *words, "{line}");
    }

    fn completes(&self, line: &str, whole: &str) {
        let word = whole.rsplit(' ').next().unwrap();
        assert_eq!(self.candidates(line), set(&[word]), "{line}");
    }
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// What every shell completes.
fn examine(shell: &dyn Shell) {
    let modes: BTreeSet<String> = modes().into_iter().collect();
    shell.offers("talk ", &(&modes | &set(&["help"])));
    shell.offers("talk --", &set(&["--help", "--version"]));
    shell.offers("talk help ", &modes);
    shell.completes("talk cl", "talk client");

    for mode in &modes {
        let names = options(mode).into_iter().map(|it| it.split(' ').next().unwrap().to_owned());
        let names = names.chain(["--help".to_owned()]).collect();
        shell.offers(&format!("talk {mode} --"), &names);
        if ["client", "server"].contains(&mode.as_str()) {
            shell.offers(&format!("talk_{mode} --"), &names);
        }
    }

    shell.offers("talk server --window ", &set(&["auto", "console", "tmux", "xterm"]));
    shell.completes("talk server --window=c", "talk server --window=console");

    let hosts = set(&["planet-one.example", "planet-two"]);
    shell.offers("talk client planet-", &hosts);
    shell.offers("talk_client planet-", &hosts);
    // An option takes the next word where it has a value, and only there.
    for option in options("client") {
        let given = option.replace(['<', '>'], "");
        shell.completes(
            &format!("talk client {given} planet-o"),
            &format!("talk client {given} planet-one.example"),
        );
    }
    shell.completes("talk client --name=x planet-o", "talk client --name=x planet-one.example");
}

#[test]
fn bash_completes() {
    let home = Home::new();
    home.write("hosts", "192.0.2.5 star.example star\n");
    home.write(
        ".bashrc",
        "PS1='> '\n\
         BASH_COMPLETION_COMPAT_DIR=~/etc/bash_completion.d\n\
         HOSTFILE=~/hosts\n\
         . /usr/share/bash-completion/bash_completion\n\
         bind 'set show-all-if-ambiguous on' 'set bell-style none'\n",
    );
    let bash = Interactive::start(home, "bash --noprofile -i");
    examine(&bash);
    let names = ["192.0.2.4", "planet-one.example", "planet-two", "star", "star.example"];
    bash.offers("talk client ", &set(&names));
}

#[test]
fn zsh_completes() {
    let home = Home::new();
    home.write(
        ".zshrc",
        "PS1='> '\n\
         fpath=(~/share/zsh/site-functions $fpath)\n\
         autoload -U compinit\n\
         compinit -D -u\n\
         zstyle ':completion:*' verbose no\n\
         unsetopt BEEP\n",
    );
    examine(&Interactive::start(home, &format!("{} -d -i", installed("zsh"))));
}

#[test]
fn fish_completes() {
    examine(&Fish { home: Home::new() });
}
