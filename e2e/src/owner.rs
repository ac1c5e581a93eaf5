//! Owner: the process that things in the engine belong to. It is written into their label, so that a
//! later run can tell what a killed run left behind from what a run beside it still uses.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Result;

/// No run takes so long: what nobody can be asked about is dead then, in seconds.
const LONGEST: u64 = 24 * 60 * 60;

/// A process, told apart from all that ever had or will have its PID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    boot: String,
    namespace: String,
    pid: u32,
    started: u64,
    /// Seconds of the Unix epoch.
    since: u64,
}

impl Owner {
    /// This process.
    pub fn this() -> Result<Self> {
        let pid = std::process::id();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
        let link = fs::read_link("/proc/self/ns/pid")?;
        // `pid:[4026531836]`
        let namespace = link.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
        let started = start_time(pid).ok_or("cannot read /proc/self/stat")?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok(Self { boot, namespace, pid, started, since })
    }

    /// Whether `other` is certain to have ended. One of another PID namespace or an earlier boot cannot be
    /// asked; it gets a day.
    pub fn sees_dead(&self, other: &Self) -> bool {
        if (&self.boot, &self.namespace) == (&other.boot, &other.namespace) {
            start_time(other.pid) != Some(other.started)
        } else {
            self.since.saturating_sub(other.since) > LONGEST
        }
    }

    /// Its PID.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

/// In clock ticks since boot: field 22 of proc_pid_stat(5); the name before it may hold anything.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(19)?.parse().ok()
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}/{}", self.boot, self.namespace, self.pid, self.started, self.since)
    }
}

impl FromStr for Owner {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split('/').collect::<Vec<_>>()[..] {
            [boot, namespace, pid, started, since] => Ok(Self {
                boot: boot.to_owned(),
                namespace: namespace.to_owned(),
                pid: pid.parse()?,
                started: started.parse()?,
                since: since.parse()?,
            }),
            _ => Err(format!("not an owner: {text:?}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_comes_back_from_its_text() {
        let this = Owner::this().unwrap();
        assert_eq!(this.to_string().parse::<Owner>().unwrap(), this);
        assert!(!this.sees_dead(&this));
    }

    #[test]
    fn another_process_of_the_same_pid_is_not_this_one() {
        let this = Owner::this().unwrap();
        assert!(this.sees_dead(&Owner { started: this.started - 1, ..this.clone() }));
    }

    #[test]
    fn an_ended_process_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let this = Owner::this().unwrap();
        let other = Owner { pid: child.id(), started: start_time(child.id()).unwrap(), ..this.clone() };
        child.wait().unwrap();
        assert!(this.sees_dead(&other));
    }

    #[test]
    fn who_cannot_be_asked_has_a_day() {
        let this = Owner::this().unwrap();
        let elsewhere = Owner { namespace: "1".to_owned(), ..this.clone() };
        let before_the_boot = Owner { boot: "x".to_owned(), since: this.since - LONGEST, ..this.clone() };
        assert!(!this.sees_dead(&elsewhere));
        assert!(!this.sees_dead(&before_the_boot));
        assert!(this.sees_dead(&Owner { since: this.since - LONGEST - 1, ..before_the_boot }));
    }

    #[test]
    fn other_text_is_no_owner() {
        for text in ["", "a/b/1/2", "a/b/1/2/3/4", "a/b/x/1/2"] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }
}
