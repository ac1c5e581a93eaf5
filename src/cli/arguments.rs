//! Arguments: what the program is asked to do, and with which settings.

use std::ffi::{OsStr, OsString};

use lexopt::{Arg, Parser};

use crate::settings::{RawSettings, SETTINGS, Setting};

/// What the program is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    /// Watch and signal.
    Run(RawSettings),
    /// Look, say what is wrong, and exit.
    Check(RawSettings, Output),
    /// Tell how it is used.
    Help,
    /// Tell which version it is.
    Version,
}

/// How the findings of a check are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

const OUTPUTS: [(&str, Output); 2] = [("text", Output::Text), ("json", Output::Json)];

/// Arguments that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}; --help lists the settings")]
pub(super) struct UsageError(String);

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// Flags win over the variables that `settings` holds.
pub(super) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    mut settings: RawSettings,
) -> Result<Request, UsageError> {
    let mut parser = Parser::from_iter(arguments);
    let (mut seen, mut check, mut output) = (Vec::new(), false, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Request::Version),
            Arg::Long("output") if output.is_some() => {
                return Err(UsageError("'--output' is given twice".to_owned()));
            }
            Arg::Long("output") => output = Some(output_of(&parser.value()?)?),
            Arg::Long(flag) => {
                let Some(setting) = SETTINGS.iter().find(|setting| setting.flag() == flag) else {
                    return Err(Arg::Long(flag).unexpected().into());
                };
                if seen.contains(&setting.variable) {
                    return Err(UsageError(format!("'--{flag}' is given twice; lists are comma-separated")));
                }
                seen.push(setting.variable);
                settings.set(setting, value(&mut parser, setting)?);
            }
            Arg::Value(value) if value == "check" && !check => check = true,
            Arg::Value(value) => {
                return Err(UsageError(format!("'{}' is no flag", value.to_string_lossy())));
            }
            Arg::Short(_) => return Err(argument.unexpected().into()),
        }
    }
    match (check, output) {
        (true, output) => Ok(Request::Check(settings, output.unwrap_or(Output::Text))),
        (false, None) => Ok(Request::Run(settings)),
        (false, Some(_)) => Err(UsageError("'--output' is for `check` only".to_owned())),
    }
}

fn output_of(value: &OsStr) -> Result<Output, UsageError> {
    let output = OUTPUTS.iter().find(|(name, _)| value == *name).map(|(_, output)| *output);
    output
        .ok_or_else(|| UsageError(format!("'--output={}' is neither text nor json", value.to_string_lossy())))
}

/// A switch takes its value behind an equals sign only, so that it can stand alone.
fn value(parser: &mut Parser, setting: &Setting) -> Result<OsString, lexopt::Error> {
    if setting.is_switch() {
        return Ok(parser.optional_value().unwrap_or_else(|| "true".into()));
    }
    parser.value()
}
