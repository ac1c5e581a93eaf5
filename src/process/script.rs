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
    /// Options whose value is the next argument.
    with_value: &'static [&'static str],
    /// Options that give the program itself, so that no script follows.
    with_code: &'static [&'static str],
}

const INTERPRETERS: [Interpreter; 14] = [
    interpreter("python", &["-W", "-X", "--check-hash-based-pycs"], &["-c"]),
    interpreter("pypy", &["-W", "-X"], &["-c"]),
    interpreter("perl", &["-I"], &["-e", "-E"]),
    interpreter("ruby", &["-I", "-r", "-C", "-E"], &["-e"]),
    interpreter("node", &["-r", "--require", "--import"], &["-e", "-p", "--eval", "--print"]),
    interpreter("nodejs", &["-r", "--require", "--import"], &["-e", "-p", "--eval", "--print"]),
    interpreter("php", &["-c", "-d", "-z"], &["-r", "-S"]),
    interpreter("lua", &["-l"], &["-e"]),
    interpreter("tclsh", &["-encoding"], &[]),
    interpreter("bash", &["-o", "-O", "--rcfile", "--init-file"], &["-c"]),
    interpreter("dash", &["-o"], &["-c"]),
    interpreter("ash", &["-o"], &["-c"]),
    interpreter("zsh", &["-o"], &["-c"]),
    interpreter("sh", &["-o"], &["-c"]),
];

const fn interpreter(
    prefix: &'static str,
    with_value: &'static [&'static str],
    with_code: &'static [&'static str],
) -> Interpreter {
    Interpreter { prefix, with_value, with_code }
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
}

/// `gunicorn` of `python3 /usr/bin/gunicorn` and of `python3 -m gunicorn`.
pub(super) fn script(process: &Process) -> Option<&[u8]> {
    let interpreter = Interpreter::of(process)?;
    let mut arguments = process.arguments.iter().skip(1).map(|argument| argument.as_bytes());
    while let Some(argument) = arguments.next() {
        let is = |option: &str| option.as_bytes() == argument;
        if interpreter.with_code.iter().any(|option| is(option)) {
            return None;
        } else if argument == b"-m" && interpreter.prefix.starts_with("py") {
            return arguments.next();
        } else if interpreter.with_value.iter().any(|option| is(option)) {
            arguments.next();
        } else if argument == b"--" {
            return arguments.next().map(last_component);
        } else if !argument.starts_with(b"-") {
            return Some(last_component(argument));
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
