//! Names: does a process bear this name? (contract 4)

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Process;
use super::script::script;

/// `TASK_COMM_LEN` less its final zero (proc_pid_comm(5)).
const COMM_LENGTH: usize = 15;

/// What of a process bears the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// The base name of the first argument, or the first word of a rewritten title.
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
    let argument = argument(process);
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
    let argument = argument(process);
    let executable = process.executable.as_deref().and_then(Path::file_name).map(OsStr::as_bytes);
    let comm = process.comm.as_bytes();
    let candidates = [script(process), argument, executable];
    let longer = |name: &&[u8]| name.starts_with(comm) && !comm.is_empty();
    let name = candidates.into_iter().flatten().find(longer).unwrap_or(comm);
    String::from_utf8_lossy(name).into_owned()
}

/// Every name that [`matched_by`] finds, the process's own first.
pub fn names(process: &Process) -> Vec<String> {
    let argument = argument(process);
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

/// `app` of `/opt/app`, `bash` of `-bash` (a login shell), and `nginx` of `nginx: master process /usr/sbin/nginx`. A later
/// word of a title is not a name. A path may have blanks in it: then the kernel's name or the executable agrees.
fn argument(process: &Process) -> Option<&[u8]> {
    let first = process.arguments.first()?.as_bytes();
    let first = first.strip_prefix(b"-").unwrap_or(first);
    let whole = last_component(first);
    let executable = process.executable.as_deref().and_then(Path::file_name);
    let agrees = |name: &OsStr| name.as_bytes() == whole;
    let is_path = whole.len() < first.len();
    if is_path && (agrees(&process.comm) || executable.is_some_and(agrees)) {
        return Some(whole);
    }
    let word = first.split(|byte| *byte == b' ').next()?;
    Some(last_component(word.strip_suffix(b":").unwrap_or(word)))
}

pub(super) fn last_component(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
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
            ("d", &colon, Some(Argument)),
            ("sshd", &ended, Some(Argument)),
            ("kworker/0:1", &kernel, Some(Comm)),
            ("", &kernel, None),
        ];
        for (name, process, expected) in table {
            assert_eq!(matched_by(name, process), *expected, "{name} on {process:?}");
        }
    }

    /// The kernel's name, the arguments, the executable; the names that it has, and some that it has not.
    type Titled = (
        &'static str,
        &'static [&'static str],
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    );

    /// Titles and arguments as real programs have them.
    #[test]
    fn a_title_counts_by_its_first_word() {
        let table: [Titled; 13] = [
            (
                "puma 5.6.5 (tcp",
                &["puma 5.6.5 (tcp://0.0.0.0:3000) [app]"],
                "/usr/bin/ruby3.1",
                &["puma"],
                &["app]"],
            ),
            (
                "puma: cluster w",
                &["puma: cluster worker 0: 6 [app]"],
                "/usr/bin/ruby3.1",
                &["puma"],
                &["cluster"],
            ),
            (
                "ruby3.1",
                &["unicorn master -c /etc/unicorn.rb"],
                "/usr/bin/ruby3.1",
                &["unicorn"],
                &["unicorn.rb"],
            ),
            ("spamd child", &["spamd child"], "/usr/bin/perl", &["spamd"], &["child"]),
            ("munin-node", &["munin-node [127.0.0.1]"], "/usr/bin/perl", &["munin-node"], &[]),
            ("log", &["log watcher /var/log/nginx"], "/usr/bin/perl", &["log"], &["nginx", "watcher"]),
            ("nginx", &["nginx: worker process"], "/usr/sbin/nginx", &["nginx"], &["worker", "process"]),
            ("bash", &["-bash"], "/usr/bin/bash", &["bash"], &["-bash"]),
            ("sleep", &["", "50"], "/usr/bin/sleep", &["sleep"], &["50", ""]),
            ("server", &["/opt/my app/server", "-x"], "/opt/my app/server", &["server"], &["my", "app"]),
            ("my server", &["/opt/my server"], "/opt/other", &["my server"], &["my"]),
            ("x", &["/opt/my server"], "/opt/other", &["my"], &["server", "my server"]),
            ("amavisd-new (ma", &["amavisd-new (master)"], "/usr/bin/perl", &["amavisd-new"], &["(master)"]),
        ];
        for (comm, arguments, executable, are, are_not) in table {
            let process = process(comm, arguments, Some(executable));
            for name in are {
                assert!(matched_by(name, &process).is_some(), "{name} on {process:?}");
            }
            for name in are_not {
                assert_eq!(matched_by(name, &process), None, "{name} on {process:?}");
            }
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
}
