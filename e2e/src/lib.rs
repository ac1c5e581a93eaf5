//! What the container tests stand on: a run that builds its images, and leaves nothing behind.
//!
//! - [`run`] is one run of the suite, from the first image to the last removal.
//! - [`engine`] talks to the Docker engine.
//! - [`binaries`] builds the static executables, [`images`] makes images of them.
//! - [`owner`] says which process a container, image or network belongs to, and whether it still runs.
//! - [`cleanup`] removes what belongs to this run, and to runs that died.

pub mod binaries;
pub mod cleanup;
pub mod engine;
pub mod images;
pub mod owner;
pub mod run;

/// Whatever went wrong, as one line.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// The result of what can go wrong here.
pub type Result<T> = std::result::Result<T, Error>;
