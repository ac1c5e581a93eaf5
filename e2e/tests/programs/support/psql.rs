//! Clients of PostgreSQL's protocol.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::find;

/// What `psql` says after each command.
const DONE: &str = "(done)";

/// Where to log in, and as whom.
#[derive(Clone, Copy)]
pub(crate) struct Login {
    pub(crate) port: u16,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) database: &'static str,
}

impl Login {
    fn psql(self) -> Command {
        let mut command = Command::new(find("psql").unwrap());
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        command
            .args(["-U", self.user, "-d", self.database, "--no-password"])
            .env("PGPASSWORD", self.password);
        command
    }

    /// Logs in, asks, and gives the answer's lines.
    pub(crate) fn ask(self, sql: &str) -> Result<String, String> {
        let output = self.psql().args(["-c", sql]).stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Logs in, and stays.
    #[track_caller]
    pub(crate) fn open(self) -> Session {
        let mut child = self.psql().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Session { child, commands, answers: BufReader::new(answers) }
    }
}

/// An open connection.
pub(crate) struct Session {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Session {
    /// Asks, and gives the answer's lines.
    #[track_caller]
    pub(crate) fn ask(&mut self, sql: &str) -> String {
        writeln!(self.commands, "{sql};\nselect '{DONE}';").unwrap();
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "the connection ended at {sql}");
            if line.trim_end() == DONE {
                return answer.trim_end().to_owned();
            }
            answer += &line;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test has no use for the errors of cleaning up.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
