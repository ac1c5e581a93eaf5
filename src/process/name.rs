//! Names: does a process bear this name? (contract 4)

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Process;

/// `TASK_COMM_LEN` less its final zero (proc_pid_comm(5)).
const COMM_LENGTH: usize = 15;

/// What of a process bears the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// The base name of the first argument, up to the colon of a rewritten title.
    Argument,
    /// The base name of the executable.
    Executable,
    /// The script that an interpreter runs.
    Script,
    /// The kernel's name.
    Comm,
    /// The kernel's name of 15 bytes, which is only the beginning of the process's own.
    CutComm,
}

/// How the process bears the name, if it does.
pub fn matched_by(name: &str, process: &Process) -> Option<MatchedBy> {
    let name = name.as_bytes();
    if name.is_empty() {
        return None;
    }
    let argument = process.arguments.first().map(|argument| title(argument.as_bytes()));
    let executable = process.executable.as_deref().and_then(Path::file_name);
    if argument == Some(name) {
        Some(MatchedBy::Argument)
    } else if executable.is_some_and(|executable| executable.as_bytes() == name) {
        Some(MatchedBy::Executable)
    } else if script(process).is_some_and(|script| script == name) {
        Some(MatchedBy::Script)
    } else if process.comm.as_bytes() == name {
        let whole = base_name(process);
        let cut =
            name.len() == COMM_LENGTH && whole.len() > COMM_LENGTH && whole.as_bytes().starts_with(name);
        Some(if cut { MatchedBy::CutComm } else { MatchedBy::Comm })
    } else {
        None
    }
}

/// The process's own name in full: as a script, as an argument, as an executable, or the kernel's.
pub fn base_name(process: &Process) -> String {
    let argument = process.arguments.first().map(|argument| title(argument.as_bytes()));
    let executable = process.executable.as_deref().and_then(Path::file_name).map(OsStr::as_bytes);
    let comm = process.comm.as_bytes();
    let candidates = [script(process), argument, executable];
    let longer = |name: &&[u8]| name.starts_with(comm) && !comm.is_empty();
    let name = candidates.into_iter().flatten().find(longer).unwrap_or(comm);
    String::from_utf8_lossy(name).into_owned()
}

/// Every name that [`matched_by`] finds, the process's own first.
pub fn names(process: &Process) -> Vec<String> {
    let argument = process.arguments.first().map(|argument| title(argument.as_bytes()));
    let executable = process.executable.as_deref().and_then(Path::file_name).map(OsStr::as_bytes);
    let all = [script(process), argument, executable, Some(process.comm.as_bytes())];
    let mut names = vec![base_name(process)];
    for name in all.into_iter().flatten().map(String::from_utf8_lossy) {
        if !names.iter().any(|known| *known == name) {
            names.push(name.into_owned());
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// `nginx` of `nginx: master process /usr/sbin/nginx`, `app` of `/opt/app`.
fn title(argument: &[u8]) -> &[u8] {
    let colon = argument.windows(2).position(|pair| pair == b": ");
    let end = colon.unwrap_or(argument.len() - usize::from(argument.ends_with(b":")));
    last_component(&argument[..end])
}

fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

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
fn script(process: &Process) -> Option<&[u8]> {
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

    fn process(comm: &str, arguments: &[&str], executable: Option<&str>) -> Process {
        Process {
            pid: 7,
            comm: comm.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            executable: executable.map(Into::into),
            ..Process::default()
        }
    }

    #[test]
    fn names_by_the_table() {
        use MatchedBy::{Argument, Comm, CutComm, Executable, Script};
        let nginx =
            process("nginx", &["nginx: master process /usr/sbin/other -g x"], Some("/usr/sbin/nginx"));
        let retitled =
            process("postgres", &["postgres: checkpointer "], Some("/usr/lib/postgresql/15/bin/pg"));
        let long = process("victim-with-a-v", &["/bin/victim-with-a-very-long-name"], None);
        let linked = process("vi", &["/usr/bin/vi"], Some("/usr/bin/vim.basic"));
        let gunicorn = process(
            "gunicorn",
            &["/usr/bin/python3", "/usr/bin/gunicorn", "app"],
            Some("/usr/bin/python3.11"),
        );
        let module = process(
            "python3",
            &["python3", "-u", "-X", "dev", "-m", "gunicorn"],
            Some("/usr/bin/python3.11"),
        );
        let code = process("python3", &["python3", "-c", "gunicorn"], Some("/usr/bin/python3.11"));
        let busybox = process("sh", &["sh", "/app/run"], Some("/bin/busybox"));
        let shell =
            process("entrypoint.sh", &["/bin/sh", "-e", "/entrypoint.sh", "nginx"], Some("/bin/dash"));
        let editor = process("vim", &["vim", "nginx"], Some("/usr/bin/vim"));
        let colon = process("d", &["/opt/a: b/d"], None);
        let ended = process("sshd", &["sshd:"], None);
        let kernel = process("kworker/0:1", &[], None);
        let table: &[(&str, &Process, Option<MatchedBy>)] = &[
            ("nginx", &nginx, Some(Argument)),
            ("ngin", &nginx, None),
            ("nginx:", &nginx, None),
            ("other", &nginx, None),
            ("NGINX", &nginx, None),
            ("postgres", &retitled, Some(Argument)),
            ("pg", &retitled, Some(Executable)),
            ("checkpointer", &retitled, None),
            ("victim-with-a-very-long-name", &long, Some(Argument)),
            ("victim-with-a-v", &long, Some(CutComm)),
            ("victim-with-a-ve", &long, None),
            ("victim-with-a", &long, None),
            ("vi", &linked, Some(Argument)),
            ("vim.basic", &linked, Some(Executable)),
            ("vim", &linked, None),
            ("gunicorn", &gunicorn, Some(Script)),
            ("python3", &gunicorn, Some(Argument)),
            ("python3.11", &gunicorn, Some(Executable)),
            ("app", &gunicorn, None),
            ("gunicorn", &module, Some(Script)),
            ("dev", &module, None),
            ("gunicorn", &code, None),
            ("entrypoint.sh", &shell, Some(Script)),
            ("nginx", &shell, None),
            ("run", &busybox, Some(Script)),
            ("busybox", &busybox, Some(Executable)),
            ("nginx", &editor, None),
            ("d", &colon, Some(Comm)),
            ("sshd", &ended, Some(Argument)),
            ("kworker/0:1", &kernel, Some(Comm)),
            ("", &kernel, None),
        ];
        for (name, process, expected) in table {
            assert_eq!(matched_by(name, process), *expected, "{name} on {process:?}");
        }
    }

    #[test]
    fn every_name_of_a_process_matches_it_and_its_own_comes_first() {
        let gunicorn = process("gunicorn: mast", &["/usr/bin/python3", "/x/gunicorn"], Some("/x/python3.11"));
        assert_eq!(names(&gunicorn), ["gunicorn: mast", "gunicorn", "python3", "python3.11"]);
        let long = process("victim-with-a-v", &["/bin/victim-with-a-very-long-name"], None);
        assert_eq!(names(&long), ["victim-with-a-very-long-name", "victim-with-a-v"]);
        for process in [&gunicorn, &long] {
            assert!(names(process).iter().all(|name| matched_by(name, process).is_some()));
        }
        assert_eq!(names(&process("", &[""], None)), [""; 0]);
    }

    #[test]
    fn a_whole_name_of_fifteen_bytes_is_not_cut() {
        let exact = process("victim-15-chars", &["/x/victim-15-chars"], None);
        assert_eq!(matched_by("victim-15-chars", &exact), Some(MatchedBy::Argument));
        let only_comm = process("victim-15-chars", &[], None);
        assert_eq!(matched_by("victim-15-chars", &only_comm), Some(MatchedBy::Comm));
    }

    #[test]
    fn every_interpreter_runs_its_script_and_not_its_code() {
        for known in &INTERPRETERS {
            let executable = format!("/usr/bin/{}", known.prefix);
            let run = |arguments: &[&str]| {
                let all: Vec<&str> = std::iter::once(known.prefix).chain(arguments.iter().copied()).collect();
                script(&process("x", &all, Some(&executable))).map(<[u8]>::to_vec)
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
            let process = process("x", &[executable, "app"], Some(&format!("/usr/bin/{executable}")));
            assert_eq!(script(&process).is_some(), runs_scripts, "{executable}");
        }
    }
}
