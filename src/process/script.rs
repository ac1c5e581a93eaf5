//! Scripts: which script does an interpreter run?

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Process;
use super::name::last_component;

/// How the options of an interpreter are read.
struct Interpreter {
    /// The executable's name begins with this; what follows may only be a version.
    prefix: &'static str,
    /// Options whose value is the next argument, or the rest of a short one.
    with_value: &'static [&'static str],
    /// Options that give the program itself, so that no script follows.
    with_code: &'static [&'static str],
    /// Letters of short options whose value, if any, is the rest.
    with_rest: &'static [u8],
}

/// What an argument of an interpreter is.
enum Meaning {
    Script,
    Option,
    /// The next argument is its value.
    OptionWithValue,
    /// The next argument is the script.
    LastOption,
    /// There is no script.
    Code,
}

const NODE_VALUES: [&str; 13] = [
    "-r",
    "--require",
    "--import",
    "--loader",
    "--experimental-loader",
    "--env-file",
    "--env-file-if-exists",
    "-C",
    "--conditions",
    "--title",
    "--input-type",
    "--disable-warning",
    "--watch-path",
];
const NODE_CODE: [&str; 4] = ["-e", "-p", "--eval", "--print"];
const SHELL_VALUES: [&str; 4] = ["-o", "+o", "-O", "+O"];
const SHELL_CODE: [&str; 1] = ["-c"];

const INTERPRETERS: [Interpreter; 14] = [
    interpreter("python", &["-W", "-X", "--check-hash-based-pycs"], &["-c"], b""),
    interpreter("pypy", &["-W", "-X"], &["-c"], b""),
    interpreter("perl", &["-I"], &["-e", "-E"], b"MmiFxDdVCl0"),
    interpreter("ruby", &["-I", "-r", "-C", "-E"], &["-e"], b"xKTWFi0"),
    interpreter("nodejs", &NODE_VALUES, &NODE_CODE, b""),
    interpreter("node", &NODE_VALUES, &NODE_CODE, b""),
    interpreter("php", &["-c", "-d", "-z"], &["-r", "-S"], b""),
    interpreter("lua", &["-l"], &["-e"], b""),
    interpreter("tclsh", &["-encoding"], &[], b""),
    interpreter("bash", &["-o", "+o", "-O", "+O", "--rcfile", "--init-file"], &SHELL_CODE, b""),
    interpreter("dash", &SHELL_VALUES, &SHELL_CODE, b""),
    interpreter("ash", &SHELL_VALUES, &SHELL_CODE, b""),
    interpreter("zsh", &SHELL_VALUES, &SHELL_CODE, b""),
    interpreter("sh", &SHELL_VALUES, &SHELL_CODE, b""),
];

const fn interpreter(
    prefix: &'static str,
    with_value: &'static [&'static str],
    with_code: &'static [&'static str],
    with_rest: &'static [u8],
) -> Interpreter {
    Interpreter { prefix, with_value, with_code, with_rest }
}

impl Interpreter {
    fn of(process: &Process) -> Option<&'static Self> {
        let executable = process.executable.as_deref().and_then(Path::file_name).map(OsStr::as_bytes);
        let argument = process.arguments.first().map(|argument| last_component(argument.as_bytes()));
        // Both, because the executable of a BusyBox shell is `busybox`.
        [executable, argument].into_iter().flatten().find_map(Self::named)
    }

    fn named(name: &[u8]) -> Option<&'static Self> {
        let version = |rest: &[u8]| rest.iter().all(|byte| byte.is_ascii_digit() || b".-".contains(byte));
        INTERPRETERS.iter().find(|known| name.strip_prefix(known.prefix.as_bytes()).is_some_and(version))
    }

    fn meaning(&self, argument: &[u8]) -> Meaning {
        let is_any = |options: &[&str], option: &[u8]| options.iter().any(|known| known.as_bytes() == option);
        let is_python = self.prefix.starts_with("py");
        match argument {
            b"--" => return Meaning::LastOption,
            // The script comes from standard input.
            b"-" => return Meaning::Code,
            option if is_any(self.with_code, option) => return Meaning::Code,
            option if is_any(self.with_value, option) => return Meaning::OptionWithValue,
            [b'-', b'-', ..] => return Meaning::Option,
            [b'-', ..] => {}
            [b'+', ..] if is_any(self.with_value, b"+o") => {}
            _ => return Meaning::Script,
        }
        // Short options may be joined, as in `sh -ec`.
        for (index, letter) in argument.iter().enumerate().skip(1) {
            let is_last = index + 1 == argument.len();
            let option = [argument[0], *letter];
            if is_any(self.with_code, &option) {
                return Meaning::Code;
            } else if is_python && *letter == b'm' && is_last {
                return Meaning::LastOption;
            } else if is_any(self.with_value, &option) {
                return if is_last { Meaning::OptionWithValue } else { Meaning::Option };
            } else if self.with_rest.contains(letter) {
                return Meaning::Option;
            }
        }
        Meaning::Option
    }
}

/// `gunicorn` of `python3 /usr/bin/gunicorn` and of `python3 -m gunicorn`.
pub(super) fn script(process: &Process) -> Option<&[u8]> {
    let interpreter = Interpreter::of(process)?;
    let mut arguments = process.arguments.iter().skip(1).map(|argument| argument.as_bytes());
    while let Some(argument) = arguments.next() {
        match interpreter.meaning(argument) {
            Meaning::Script => return Some(last_component(argument)),
            Meaning::LastOption => return arguments.next().map(last_component),
            Meaning::Code => return None,
            Meaning::OptionWithValue => {
                arguments.next();
            }
            Meaning::Option => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script_of(arguments: &[&str], executable: &str) -> Option<Vec<u8>> {
        let arguments = arguments.iter().map(Into::into).collect();
        let process = Process { arguments, executable: Some(executable.into()), ..Process::default() };
        script(&process).map(<[u8]>::to_vec)
    }

    #[test]
    fn options_of_interpreters_are_told_from_scripts() {
        let table: [(&[&str], Option<&str>); 22] = [
            (&["sh", "-ec", "test -d / && /x/app"], None),
            (&["sh", "-e", "/x/app"], Some("app")),
            (&["bash", "-euo", "pipefail", "/x/app"], Some("app")),
            (&["bash", "+o", "history", "/x/app"], Some("app")),
            (&["bash", "+e", "/x/app"], Some("app")),
            (&["bash", "--norc", "/x/app"], Some("app")),
            (&["bash", "-"], None),
            (&["python3", "-uX", "dev", "app.py"], Some("app.py")),
            (&["python3", "-Xdev", "app.py"], Some("app.py")),
            (&["python3", "-um", "gunicorn"], Some("gunicorn")),
            (&["python3", "-Wc", "app.py"], Some("app.py")),
            (&["python3", "-uc", "app.py"], None),
            (&["node", "--env-file", ".env", "app.js"], Some("app.js")),
            (&["node", "--env-file=.env", "app.js"], Some("app.js")),
            (&["node", "--title", "foo", "server.js"], Some("server.js")),
            (&["node", "-pe", "1"], None),
            (&["perl", "-MData::Dumper", "app.pl"], Some("app.pl")),
            (&["perl", "-wne", "print", "file"], None),
            (&["perl", "-I", "lib", "app.pl"], Some("app.pl")),
            (&["perl", "-Ilibe", "app.pl"], Some("app.pl")),
            (&["ruby", "-W0", "-rbundler", "/x/puma"], Some("puma")),
            (&["php", "-d", "a=b", "/x/app.php"], Some("app.php")),
        ];
        for (arguments, expected) in table {
            let executable = format!("/usr/bin/{}", arguments[0]);
            let found = script_of(arguments, &executable);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{arguments:?}");
        }
    }

    #[test]
    fn every_interpreter_runs_its_script_and_not_its_code() {
        for known in &INTERPRETERS {
            let executable = format!("/usr/bin/{}", known.prefix);
            let run = |arguments: &[&str]| {
                let all: Vec<&str> = std::iter::once(known.prefix).chain(arguments.iter().copied()).collect();
                script_of(&all, &executable)
            };
            assert_eq!(run(&["/a/app", "b"]), Some(b"app".to_vec()), "{}", known.prefix);
            assert_eq!(run(&["-q", "--", "/a/app"]), Some(b"app".to_vec()), "{}", known.prefix);
            assert_eq!(run(&[]), None);
            for option in known.with_value {
                assert_eq!(
                    run(&[option, "value", "app"]),
                    Some(b"app".to_vec()),
                    "{} {option}",
                    known.prefix
                );
            }
            for option in known.with_code {
                assert_eq!(run(&[option, "app"]), None, "{} {option}", known.prefix);
            }
        }
    }

    #[test]
    fn versions_of_interpreters_count_and_other_programs_do_not() {
        for (executable, runs_scripts) in [
            ("python3.12", true),
            ("python", true),
            ("pythonista", false),
            ("perl5.36.0", true),
            ("shred", false),
        ] {
            let found = script_of(&[executable, "app"], &format!("/usr/bin/{executable}"));
            assert_eq!(found.is_some(), runs_scripts, "{executable}");
        }
    }
}
