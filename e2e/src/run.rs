//! Run: one run of the suite. Whatever it makes is labelled, and removed at its end: after the last test,
//! after a failure while it prepares, and at Ctrl-C or SIGTERM. After SIGKILL the next run does it.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::binaries::{Libc, manifest_of};
use crate::cleanup::{self, DIR_PREFIX, LABEL, OWNER_FILE};
use crate::engine::Engine;
use crate::images::{Images, LocalImage};
use crate::owner::Owner;
use crate::{Error, Result};

/// How long what is just being made may take when the run ends early.
const GATE_DEADLINE: Duration = Duration::from_mins(1);

/// What the tests work with.
#[derive(Debug)]
pub struct Run {
    place: &'static Place,
    /// The image under test.
    pub sidecar: LocalImage,
    /// The application's image.
    pub app: LocalImage,
}

/// Where a run is, before it has any image.
#[derive(Debug)]
struct Place {
    engine: Engine,
    owner: Owner,
    id: String,
    dir: PathBuf,
}

/// Prepares a run, lets `tests` use it, and clears up whatever comes of it.
pub fn run(tests: impl FnOnce(&'static Run) -> ExitCode) -> ExitCode {
    let place = match Place::make() {
        Ok(place) => place,
        Err(error) => return fail(&error),
    };
    let ending = match Run::prepare(place) {
        Ok(run) => tests(Box::leak(Box::new(run))),
        Err(error) => fail(&error),
    };
    match place.engine.wait(place.clear()) {
        Ok(()) => ending,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    eprintln!("e2e: {error}");
    ExitCode::FAILURE
}

impl Run {
    fn prepare(place: &'static Place) -> Result<Self> {
        let Place { engine, owner, id, .. } = place;
        let images = Images { engine, owner, run: id };
        let libc = Libc::choose()?;
        println!("building static binaries ({}), which takes a minute or two the first time", libc.name());
        let (sidecar, origin) = if let Some(image) = images.given()? {
            (image, "as given")
        } else {
            let binary = libc.build(&manifest_of(""), "config-reloader-sidecar")?;
            (images.sidecar(&binary)?, libc.name())
        };
        let app = images.app(&libc.build(&manifest_of("e2e/testkit"), "sighup-counter")?)?;
        println!("image {} ({origin}): {} bytes", sidecar.reference, sidecar.size);
        Ok(Self { place, sidecar, app })
    }

    /// The Docker engine.
    pub fn engine(&self) -> &'static Engine {
        &self.place.engine
    }

    /// Part of names that no other run has: lower-case letters and digits.
    pub fn id(&self) -> &'static str {
        &self.place.id
    }

    /// The directory of the run.
    pub fn dir(&self) -> &'static Path {
        &self.place.dir
    }

    /// The label that everything made in the engine must have, name and value.
    pub fn label(&self) -> (&'static str, String) {
        (LABEL, self.place.owner.to_string())
    }
}

impl Place {
    fn make() -> Result<&'static Self> {
        let engine = Engine::connect()?;
        let owner = Owner::this()?;
        let parent = env::temp_dir();
        engine.wait(cleanup::remove_leftovers(engine.docker(), &owner, &parent))?;
        let random = RandomState::new().hash_one(owner.to_string());
        let id = format!("{}x{random:016x}", owner.pid());
        let dir = parent.join(format!("{DIR_PREFIX}{id}"));
        fs::create_dir(&dir)?;
        fs::write(dir.join(OWNER_FILE), owner.to_string())?;
        let place: &Self = Box::leak(Box::new(Self { engine, owner, id, dir }));
        place.clear_when_interrupted()?;
        Ok(place)
    }

    async fn clear(&self) -> Result<()> {
        let removed = cleanup::remove_all_of(self.engine.docker(), &self.owner).await;
        fs::remove_dir_all(&self.dir)?;
        removed
    }

    fn clear_when_interrupted(&'static self) -> Result<()> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        for kind in kinds {
            let signal = self.engine.wait(async { signal(kind) })?;
            self.engine.spawn(self.clear_at(signal, kind));
        }
        Ok(())
    }

    async fn clear_at(&self, mut signal: Signal, kind: SignalKind) {
        signal.recv().await;
        // Never given back: nothing more is made. Whoever waits longer than this is stuck himself.
        let _closed = tokio::time::timeout(GATE_DEADLINE, self.engine.gate.write()).await;
        if let Err(error) = self.clear().await {
            fail(&error);
        }
        std::process::exit(128 + kind.as_raw_value());
    }
}
