//! The measurements.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sidecar_testkit::clock::Nanos;
use sidecar_testkit::kubelet::{Payload, Volume, payload};

use crate::process::{cpu, resident, switches};
use crate::scene::Scene;

const UPDATES: usize = 200;
/// Between two updates, so that each is one of its own.
const PAUSE: Duration = Duration::from_millis(50);

const MEMORY_UPDATES: usize = 1_000;

const WRITES: u32 = 20_000;
const STORM: Duration = Duration::from_millis(400);

const IDLE: Duration = Duration::from_mins(1);

/// What 200 updates of a volume cost.
pub(crate) struct Updates {
    latencies: Vec<Duration>,
    odd: usize,
    cpu: Duration,
}

impl Updates {
    pub(crate) fn signals(&self) -> String {
        format!("{}; {}", self.latencies.len(), self.odd)
    }

    /// Of the first signal for each update.
    pub(crate) fn latency(&self) -> String {
        let mut sorted: Vec<u128> = self.latencies.iter().map(Duration::as_micros).collect();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default();
        format!("{} / {} / {}", at(0), at(50), at(99))
    }

    pub(crate) fn cpu(&self) -> String {
        (self.cpu.as_micros() / UPDATES as u128).to_string()
    }
}

fn three_keys(round: usize) -> Payload {
    payload(["a", "b", "c"].map(|key| (key, format!("{key} = {round}\n"))))
}

fn volume(path: &Path) -> io::Result<()> {
    Volume::create(path, &three_keys(0)).map(drop)
}

/// Updates a volume of three keys, with so many other processes about.
pub(crate) fn updates(program: &Path, bystanders: usize) -> io::Result<Updates> {
    let _others = Bystanders::start(bystanders)?;
    let scene = Scene::start(program, volume)?;
    let volume = Volume::open(&scene.watched())?;
    let mut swaps = Vec::with_capacity(UPDATES);
    let before = cpu(scene.pid())?;
    for round in 1..=UPDATES {
        let renamed = volume.write(&three_keys(round))?.renamed;
        swaps.push(renamed.ok_or_else(|| io::Error::other("nothing was swapped"))?.before);
        let enough = || (scene.target.signals().len() >= round).then_some(());
        scene.wait_for("a signal", enough)?;
        sleep(PAUSE);
    }
    let cpu = cpu(scene.pid())?.saturating_sub(before);
    let signals: Vec<Nanos> = scene.target.signals().into_iter().map(|signal| signal.ns).collect();
    let ends = swaps.iter().skip(1).copied().chain([Nanos::MAX]);
    let mut measured = Updates { latencies: Vec::new(), odd: 0, cpu };
    for (swap, end) in swaps.iter().zip(ends) {
        let own: Vec<Nanos> = signals.iter().copied().filter(|at| (*swap..end).contains(at)).collect();
        measured.odd += usize::from(own.len() != 1);
        measured.latencies.extend(own.iter().map(|at| Duration::from_nanos(at - swap)));
    }
    Ok(measured)
}

/// Resident memory, in kB.
pub(crate) struct Memory {
    pub(crate) idle: u64,
    pub(crate) after: u64,
}

/// Idle, and after a thousand updates.
pub(crate) fn memory(program: &Path) -> io::Result<Memory> {
    let scene = Scene::start(program, volume)?;
    let volume = Volume::open(&scene.watched())?;
    let idle = resident(scene.pid())?;
    for round in 1..=MEMORY_UPDATES {
        volume.write(&three_keys(round))?;
        sleep(PAUSE / 10);
    }
    let last = format!("digest={} ", last_digest(&scene)?);
    scene
        .wait_for("the last signal", || scene.log().rsplit(" sent ").next()?.contains(&last).then_some(()))?;
    Ok(Memory { idle, after: resident(scene.pid())? })
}

/// Of the last change in the log, once nothing has changed for a while.
fn last_digest(scene: &Scene) -> io::Result<String> {
    let mut seen = (String::new(), Instant::now());
    scene.wait_for("the last change", || {
        let digest =
            scene.log().rsplit(" changed ").next()?.lines().next()?.rsplit_once("digest=")?.1.to_owned();
        if digest != seen.0 {
            seen = (digest, Instant::now());
        }
        (seen.1.elapsed() > PAUSE * 10).then(|| seen.0.clone())
    })
}

/// Writes one file of a plain directory without a pause.
pub(crate) fn storm(program: &Path) -> io::Result<String> {
    let scene = Scene::start(program, |path| {
        fs::create_dir(path)?;
        fs::write(path.join("a"), "0")
    })?;
    let (cpu_before, memory) = (cpu(scene.pid())?, resident(scene.pid())?);
    let mut file = fs::OpenOptions::new().append(true).open(scene.watched().join("a"))?;
    let start = Instant::now();
    for round in 1..=WRITES {
        file.write_all(b"x")?;
        sleep((STORM * round / WRITES).saturating_sub(start.elapsed()));
    }
    last_digest(&scene)?;
    let (spent, more) =
        (cpu(scene.pid())?.saturating_sub(cpu_before), resident(scene.pid())?.saturating_sub(memory));
    Ok(format!("{}; {}; {more} kB", spent.as_millis(), scene.target.signals().len()))
}

/// Context switches within a minute in which nothing happens.
pub(crate) fn idle(program: &Path) -> io::Result<u64> {
    let scene = Scene::start(program, volume)?;
    // The look after the start is over by then.
    sleep(Duration::from_secs(2));
    let before = switches(scene.pid())?;
    sleep(IDLE);
    Ok(switches(scene.pid())? - before)
}

/// Processes that do nothing.
struct Bystanders(Vec<Child>);

impl Bystanders {
    fn start(count: usize) -> io::Result<Self> {
        let sleeper = || Command::new("sleep").arg("1000").spawn();
        (0..count).map(|_| sleeper()).collect::<io::Result<_>>().map(Self)
    }
}

impl Drop for Bystanders {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}
