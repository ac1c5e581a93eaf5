//! The files of a world: where each watched path is, and what is there at first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sidecar_testkit::kubelet::{Order, Payload, Volume};
use tempfile::TempDir;

use crate::files::real;
use crate::support::open_dir;
use crate::world::{Act, KEYS, Keys, Kind, Millis, Settings, Step, Version, World, text};

/// The user and the group of worlds that are not root's.
pub(crate) const OTHER_USER: u32 = 65534;
/// `defaultMode` of a volume that only the group reads.
pub(crate) const GROUP_ONLY: u32 = 0o440;

/// How long a process may take from its start to its program.
const HELD: Duration = Duration::from_millis(100);

/// A watched path.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// What is watched.
    pub(crate) watched: PathBuf,
    /// The directory that writers write to.
    pub(crate) dir: PathBuf,
}

/// A file that a slow writer has open.
#[derive(Debug)]
pub(crate) struct Slow {
    pub(crate) file: File,
    pub(crate) written: u64,
    /// Whether what is written shows at a watched path.
    pub(crate) shows: bool,
}

/// All of a world's files.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) places: Vec<Place>,
    pub(crate) settings: Settings,
    /// The files that are open for writing.
    pub(crate) slow: BTreeMap<PathBuf, Slow>,
    /// The files of the burst at hand that were written or touched, and the directories of those that came or went.
    pub(crate) written: BTreeSet<PathBuf>,
    /// When a file was last written and closed.
    pub(crate) closed: BTreeMap<PathBuf, Instant>,
    /// Where something is mounted, the last at the end.
    pub(crate) mounted: Vec<PathBuf>,
    fresh: u32,
    top: TempDir,
}

impl Stage {
    pub(crate) fn new(world: &World) -> io::Result<Self> {
        let mut stage = Self {
            places: Vec::new(),
            settings: world.settings,
            slow: BTreeMap::new(),
            written: BTreeSet::new(),
            closed: BTreeMap::new(),
            mounted: Vec::new(),
            fresh: 0,
            top: open_dir(),
        };
        fs::create_dir(stage.top.path().join("tmp"))?;
        for (number, kind) in world.paths.iter().enumerate() {
            let place = stage.make(number, *kind)?;
            stage.places.push(place);
        }
        Ok(stage)
    }

    /// A path that nothing has had before, outside of all that is watched.
    pub(crate) fn fresh(&mut self, name: &str) -> PathBuf {
        self.fresh += 1;
        self.top.path().join("tmp").join(format!("{name}-{}", self.fresh))
    }

    /// The volume of a path, as the kubelet sees it.
    pub(crate) fn volume(&self, path: usize) -> io::Result<Volume> {
        let order = if self.settings.links_first { Order::LinksBeforeSwap } else { Order::LinksAfterSwap };
        let volume = Volume::open(&self.places[path].dir)?.order(order);
        Ok(if self.settings.fs_group { volume.mode(GROUP_ONLY).fs_group(OTHER_USER) } else { volume })
    }

    pub(crate) fn watched(&self) -> Vec<&Path> {
        self.places.iter().map(|place| place.watched.as_path()).collect()
    }

    /// Remembers whether what a slow writer writes shows at a watched path.
    pub(crate) fn note_slow(&mut self, path: usize, name: &str, shows: bool) {
        let path = real(&self.places[path].dir.join(name));
        if let Some(slow) = self.slow.get_mut(&path) {
            slow.shows |= shows;
        }
    }

    /// What must pass before a step. A process that another thread starts meanwhile keeps each file open until it runs
    /// its own program; the late end of one writer would look like the end of the next.
    pub(crate) fn least_gap(&self, step: Step) -> Millis {
        let Act::Open(name, _) = step.act else { return 0 };
        let closed = self.closed.get(&real(&self.places[step.path].dir.join(name)));
        let left = closed.and_then(|closed| HELD.checked_sub(closed.elapsed())).unwrap_or_default();
        left.as_millis().try_into().unwrap_or(0)
    }

    /// Notes what an act is to those that follow.
    pub(crate) fn note_written(&mut self, step: Step) {
        let dir = &self.places[step.path].dir;
        match step.act.name() {
            Some(name) => drop(self.written.insert(real(&dir.join(name)))),
            None if matches!(step.act, Act::Read | Act::Blink(..) | Act::Sync) => {}
            None => drop(self.written.insert(real(dir))),
        }
        if let Act::Close(name) | Act::InPlace(name, _) | Act::Same(name) = step.act {
            self.closed.insert(real(&dir.join(name)), Instant::now());
        }
    }

    /// May the file be another one than before the burst?
    pub(crate) fn is_new(&self, path: &Path) -> bool {
        real(path).ancestors().any(|path| self.written.contains(path))
    }

    /// Is no writer in the middle of a file that counts?
    pub(crate) fn is_finished(&self) -> bool {
        !self.slow.values().any(|slow| slow.shows)
    }

    /// A checkout of git-sync, or a directory that a link leads to: a new one for each version.
    pub(crate) fn checkout(&mut self, beside: &Path, version: Version) -> io::Result<PathBuf> {
        self.fresh += 1;
        let dir = beside.join(format!("real-{}", self.fresh));
        fill(&dir, version)?;
        Ok(dir)
    }

    fn make(&mut self, number: usize, kind: Kind) -> io::Result<Place> {
        let home = self.top.path().join(format!("p{number}"));
        fs::create_dir(&home)?;
        let conf = home.join("conf");
        let (watched, dir) = match kind {
            Kind::Plain => (conf.clone(), filled(conf)?),
            Kind::File => (conf.join("a.conf"), filled(conf)?),
            Kind::Tree => (conf.clone(), self.make_tree(&home, conf)?),
            Kind::Volume => (conf.clone(), make_volume(conf, self.settings.fs_group)?),
            Kind::LinkDir => {
                symlink(self.checkout(&home, 0)?, &conf)?;
                (conf.clone(), conf)
            }
            Kind::GitSync => {
                let current = home.join("current");
                fs::create_dir(home.join(".worktrees"))?;
                let checkout = self.checkout(&home.join(".worktrees"), 0)?;
                symlink(Path::new(".worktrees").join(checkout.file_name().unwrap_or_default()), &current)?;
                (current.clone(), current)
            }
            Kind::Below(base) => self.below(base),
            Kind::Above(base) => (self.home_of(base), self.home_of(base)),
            Kind::One(base) => (self.places[base].dir.join("a.conf"), self.places[base].dir.clone()),
            Kind::Alias(base) => self.make_alias(&home, base)?,
            Kind::Enabled(base) => (conf.clone(), self.make_links(conf, base)?),
        };
        Ok(Place { kind, watched, dir })
    }

    /// The directory that the other path lies in.
    pub(crate) fn home_of(&self, base: usize) -> PathBuf {
        self.top.path().join(format!("p{base}"))
    }

    fn make_tree(&mut self, home: &Path, conf: PathBuf) -> io::Result<PathBuf> {
        fill(&conf, 0)?;
        make_sub(&conf, 0)?;
        symlink(self.checkout(home, 0)?, conf.join("site"))?;
        Ok(conf)
    }

    fn below(&self, base: usize) -> (PathBuf, PathBuf) {
        let name = if self.places[base].kind == Kind::Volume { "conf.d" } else { "sub" };
        let path = self.places[base].watched.join(name);
        (path.clone(), path)
    }

    fn make_alias(&self, home: &Path, base: usize) -> io::Result<(PathBuf, PathBuf)> {
        let via = home.join("via");
        let target = self.home_of(base);
        symlink(&target, &via)?;
        let moved = |path: &Path| via.join(path.strip_prefix(&target).unwrap_or(path));
        Ok((moved(&self.places[base].watched), moved(&self.places[base].dir)))
    }

    fn make_links(&self, conf: PathBuf, base: usize) -> io::Result<PathBuf> {
        fs::create_dir(&conf)?;
        for name in ["a.conf", "b.conf"] {
            symlink(self.places[base].dir.join(name), conf.join(name))?;
        }
        Ok(conf)
    }
}

/// Makes a directory with two files.
pub(crate) fn fill(dir: &Path, version: Version) -> io::Result<()> {
    fs::create_dir(dir)?;
    for name in ["a.conf", "b.conf"] {
        fs::write(dir.join(name), text(name, version))?;
    }
    Ok(())
}

fn filled(dir: PathBuf) -> io::Result<PathBuf> {
    fill(&dir, 0)?;
    Ok(dir)
}

fn make_volume(conf: PathBuf, fs_group: bool) -> io::Result<PathBuf> {
    fs::create_dir(&conf)?;
    let volume = Volume::open(&conf)?;
    let volume = if fs_group { volume.mode(GROUP_ONLY).fs_group(OTHER_USER) } else { volume };
    volume.write(&payload(0b1011, 0))?;
    fs::create_dir(conf.join("run"))?;
    fs::write(conf.join("run/s.conf"), text("s.conf", 0))?;
    Ok(conf)
}

/// Makes the subdirectory of a tree.
pub(crate) fn make_sub(tree: &Path, version: Version) -> io::Result<()> {
    fs::create_dir(tree.join("sub"))?;
    fs::write(tree.join("sub/d.conf"), text("d.conf", version))
}

/// What the kubelet writes for these keys.
pub(crate) fn payload(keys: Keys, version: Version) -> Payload {
    let has = |number: usize| keys & (1 << number) != 0;
    let key = |(_, key): (usize, &&str)| ((*key).to_owned(), text(key, version).into_bytes());
    KEYS.iter().enumerate().filter(|(number, _)| has(*number)).map(key).collect()
}
