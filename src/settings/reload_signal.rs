//! Names and numbers of signals.

use std::fmt;
use std::str::FromStr;

use nix::sys::signal::Signal;

/// `SIGRTMIN` as glibc has it, and so as `kill -l` prints it. musl starts at 35, because it keeps
/// one more for itself; but the number must be the one that the *target* means by the name, and a
/// target that uses real-time signals is a glibc program more often than not.
const RTMIN: i32 = 34;
/// The last signal of the kernel on every architecture that we build for (`_NSIG`, signal(7)).
const RTMAX: i32 = 64;

/// Older and second names, which `nix` does not list (signal(7)).
const ALIASES: [(&str, Signal); 4] =
    [("IOT", Signal::SIGABRT), ("CLD", Signal::SIGCHLD), ("POLL", Signal::SIGIO), ("UNUSED", Signal::SIGSYS)];

/// A signal that can be sent: 1 to 31, or a real-time signal from 34 to 64. The numbers 32 and 33
/// belong to the C library's threads, and 0 is no signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReloadSignal(i32);

/// The text is no signal's name or number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signal's name with or without SIG, in any case (HUP, sigusr1), a number (1-31, 34-64), \
     SIGRTMIN+n or SIGRTMAX-n (n from 0 to 30)"
)]
pub struct UnknownSignal;

impl ReloadSignal {
    /// The signal of this number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        let exists = Signal::try_from(number).is_ok() || (RTMIN..=RTMAX).contains(&number);
        exists.then_some(Self(number))
    }

    /// The number that the kernel knows it by.
    pub fn number(self) -> i32 {
        self.0
    }
}

impl FromStr for ReloadSignal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let upper = text.trim().to_ascii_uppercase();
        if upper.starts_with(|first: char| first.is_ascii_digit()) {
            return plain_number(&upper).and_then(Self::from_number).ok_or(UnknownSignal);
        }
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        real_time(name).or_else(|| standard(name)).ok_or(UnknownSignal)
    }
}

/// A decimal number in its one spelling: no sign, no leading zero.
fn plain_number(text: &str) -> Option<i32> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}

fn real_time(name: &str) -> Option<ReloadSignal> {
    let number = match name {
        "RTMIN" => RTMIN,
        "RTMAX" => RTMAX,
        _ => match (name.strip_prefix("RTMIN+"), name.strip_prefix("RTMAX-")) {
            (Some(above), None) => RTMIN.checked_add(plain_number(above)?)?,
            (None, Some(below)) => RTMAX.checked_sub(plain_number(below)?)?,
            _ => return None,
        },
    };
    (RTMIN..=RTMAX).contains(&number).then_some(ReloadSignal(number))
}

fn standard(name: &str) -> Option<ReloadSignal> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, signal)| *signal);
    let listed = || Signal::iterator().find(|signal| bare_name(*signal) == name);
    alias.or_else(listed).map(|signal| ReloadSignal(signal as i32))
}

fn bare_name(signal: Signal) -> &'static str {
    let name = signal.as_str();
    name.strip_prefix("SIG").unwrap_or(name)
}

impl fmt::Display for ReloadSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Signal::try_from(self.0) {
            Ok(signal) => f.write_str(signal.as_str()),
            Err(_) if self.0 == RTMIN => f.write_str("SIGRTMIN"),
            Err(_) => write!(f, "SIGRTMIN+{}", self.0 - RTMIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// signal(7), x86 and ARM; the aliases behind the name that is printed.
    const TABLE: &[(i32, &[&str])] = &[
        (1, &["HUP"]),
        (2, &["INT"]),
        (3, &["QUIT"]),
        (4, &["ILL"]),
        (5, &["TRAP"]),
        (6, &["ABRT", "IOT"]),
        (7, &["BUS"]),
        (8, &["FPE"]),
        (9, &["KILL"]),
        (10, &["USR1"]),
        (11, &["SEGV"]),
        (12, &["USR2"]),
        (13, &["PIPE"]),
        (14, &["ALRM"]),
        (15, &["TERM"]),
        (16, &["STKFLT"]),
        (17, &["CHLD", "CLD"]),
        (18, &["CONT"]),
        (19, &["STOP"]),
        (20, &["TSTP"]),
        (21, &["TTIN"]),
        (22, &["TTOU"]),
        (23, &["URG"]),
        (24, &["XCPU"]),
        (25, &["XFSZ"]),
        (26, &["VTALRM"]),
        (27, &["PROF"]),
        (28, &["WINCH"]),
        (29, &["IO", "POLL"]),
        (30, &["PWR"]),
        (31, &["SYS", "UNUSED"]),
    ];

    fn spellings(name: &str) -> [String; 5] {
        let lower = name.to_lowercase();
        [name.into(), format!("SIG{name}"), lower.clone(), format!("sig{lower}"), format!("Sig{lower}")]
    }

    /// Every text that is a signal, with its number: the whole language of the parser.
    fn language() -> Vec<(String, i32)> {
        let mut all: Vec<(String, i32)> = Vec::new();
        for (number, names) in TABLE {
            all.push((number.to_string(), *number));
            all.extend(names.iter().flat_map(|name| spellings(name)).map(|text| (text, *number)));
        }
        for number in RTMIN..=RTMAX {
            all.push((number.to_string(), number));
            for name in [format!("RTMIN+{}", number - RTMIN), format!("RTMAX-{}", RTMAX - number)] {
                all.extend(spellings(&name).map(|text| (text, number)));
            }
        }
        all.extend(spellings("RTMIN").map(|text| (text, RTMIN)));
        all.extend(spellings("RTMAX").map(|text| (text, RTMAX)));
        all
    }

    #[test]
    fn every_name_and_number_of_the_table_parses() {
        for (text, number) in language() {
            assert_eq!(text.parse(), Ok(ReloadSignal(number)), "{text}");
        }
    }

    #[test]
    fn every_signal_parses_back_from_what_is_printed() {
        for number in (1..=31).chain(RTMIN..=RTMAX) {
            let signal = ReloadSignal::from_number(number).unwrap();
            assert_eq!(signal.to_string().parse(), Ok(signal));
            assert_eq!(format!(" {signal}\t").parse(), Ok(signal), "blanks around it");
        }
    }

    #[test]
    fn numbers_that_are_no_signal_are_refused() {
        for number in [i32::MIN, -9, -1, 0, 32, 33, 65, 128, i32::MAX] {
            assert_eq!(ReloadSignal::from_number(number), None);
            assert_eq!(number.to_string().parse::<ReloadSignal>(), Err(UnknownSignal));
        }
    }

    fn near_misses() -> impl Strategy<Value = String> {
        let texts: Vec<String> = language().into_iter().map(|(text, _)| text).collect();
        let edited = (proptest::sample::select(texts), any::<prop::sample::Index>(), any::<char>(), 0..3u8);
        edited.prop_map(|(text, at, with, how)| {
            let mut chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            match how {
                0 => drop(chars.remove(at)),
                1 => chars.insert(at, with),
                _ => chars[at] = with,
            }
            chars.into_iter().collect()
        })
    }

    proptest! {
        #[test]
        fn nothing_else_parses(text in prop_oneof![
            near_misses(),
            "\\PC{0,12}",
            "(?i:(SIG)?(RTMIN|RTMAX)[+-][0-9]{0,12})",
            "[+-]?[0-9]{1,12}",
        ]) {
            let known = language().into_iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(text.trim()))
                .map(|(_, number)| ReloadSignal(number));
            prop_assert_eq!(text.parse::<ReloadSignal>().ok(), known);
        }
    }
}
