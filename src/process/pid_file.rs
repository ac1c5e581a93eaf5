//! PID files.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;

/// Why a PID file names no target.
#[derive(Debug, thiserror::Error)]
pub enum PidFileError {
    /// It cannot be read, or does not exist (yet).
    #[error("cannot read PID file {}: {source}; check PROCESS_PID_FILE and that both containers mount it", .path.display())]
    Unreadable {
        /// The PID file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// It is empty, as it is while it is being written.
    #[error("PID file {} is empty; the application has to write its PID into it", .0.display())]
    Empty(PathBuf),
    /// It holds something else than a PID.
    #[error("PID file {} holds {text:?}, which is no PID; a number above 0 is expected", .path.display())]
    NoPid {
        /// The PID file.
        path: PathBuf,
        /// What it holds.
        text: String,
    },
    /// It holds the sidecar's own PID.
    #[error(
        "PID file {} holds {pid}, the sidecar's own PID; it was written in another PID namespace: share it \
         (shareProcessNamespace: true)", .path.display()
    )]
    OwnPid {
        /// The PID file.
        path: PathBuf,
        /// The PID.
        pid: i32,
    },
    /// It names a process that does not exist.
    #[error(
        "PID file {} holds {pid}, and there is no such process; it is stale, or of another PID namespace",
        .path.display()
    )]
    NoProcess {
        /// The PID file.
        path: PathBuf,
        /// The PID.
        pid: i32,
    },
    /// It names a process that is not the one of `PROCESS_NAME`.
    #[error("PID file {} holds {pid}, which is {name:?} and not the process of PROCESS_NAME", .path.display())]
    OtherName {
        /// The PID file.
        path: PathBuf,
        /// The PID.
        pid: i32,
        /// The process's name.
        name: String,
    },
}

/// More than any PID file holds that starts with a PID.
const LONGEST: u64 = 64;

/// The PID in the file; white space around it is fine, and so are more lines after it (as PostgreSQL
/// writes them).
pub(super) fn read(path: &Path, own_pid: i32) -> Result<i32, PidFileError> {
    let mut bytes = Vec::new();
    // Without waiting for a writer, because the name may be that of a FIFO.
    let opened = fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let reading = opened.and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    reading.map_err(|source| PidFileError::Unreadable { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&bytes);
    let Some(line) = text.trim_start().lines().next().map(str::trim_end) else {
        return Err(PidFileError::Empty(path.to_owned()));
    };
    let digits = line.bytes().all(|byte| byte.is_ascii_digit());
    match line.parse::<i32>() {
        Ok(pid) if digits && pid == own_pid => Err(PidFileError::OwnPid { path: path.to_owned(), pid }),
        Ok(pid) if digits && pid > 0 => Ok(pid),
        _ => Err(PidFileError::NoPid { path: path.to_owned(), text: line.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<i32, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        fs::write(&path, text).unwrap();
        read(&path, 1).map_err(|error| error.to_string().replace(path.to_str().unwrap(), "FILE"))
    }

    #[test]
    fn white_space_and_further_lines_are_fine() {
        for text in ["42", "42\n", " \n\t42 \n", "42\r\n", "42\n/var/lib/postgresql\n1763800000\n5432\n"] {
            assert_eq!(read_text(text.as_bytes()), Ok(42), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_pid_is_told() {
        let table: [(&[u8], &str); 12] = [
            (b"", "is empty"),
            (b" \n ", "is empty"),
            (b"nginx", "holds \"nginx\", which is no PID"),
            (b"0", "holds \"0\", which is no PID"),
            (b"-1", "no PID"),
            (b"+7", "no PID"),
            (b"-42", "no PID"),
            (b"4 2", "no PID"),
            (b"42x", "no PID"),
            (b"2147483648", "no PID"),
            (b"\xff\xfe", "no PID"),
            (b"1", "the sidecar's own PID"),
        ];
        for (text, expected) in table {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(expected) && !error.contains('\n'), "{text:?}: {error}");
        }
        assert!(read(Path::new("/nonexistent/pid"), 1).unwrap_err().to_string().contains("No such file"));
    }

    #[test]
    fn a_fifo_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let kind = nix::sys::stat::SFlag::S_IFIFO;
        nix::sys::stat::mknod(&path, kind, nix::sys::stat::Mode::S_IRWXU, 0).unwrap();
        assert!(matches!(read(&path, 1), Err(PidFileError::Empty(_))));
        let _writer = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        assert!(matches!(read(&path, 1), Err(PidFileError::Unreadable { .. })));
    }
}
