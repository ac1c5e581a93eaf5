//! Runs a world: a target, a sidecar, and the writers, burst by burst.

use std::path::{Path, PathBuf};
use std::thread::{self, sleep};
use std::time::Duration;

use sidecar_testkit::clock::{self, Nanos};
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::heartbeat;
use crate::mounts;
use crate::observed::{Action, Effect, Observed, Read, followed, held};
use crate::oracle::{Law, Verdict, Violation, judge};
use crate::report::{Failure, Tally};
use crate::stage::{OTHER_USER, Stage};
use crate::support::{Builder, Sidecar, digest_in, digest_with, unique_name};
use crate::view::{View, Views, is_what_was_read};
use crate::watcher::Watcher;
use crate::world::{Act, IGNORED, Settings, Step, World};

/// How long a delivery may take beyond all waits that are set: generous, for a machine under load.
const PATIENCE: Duration = Duration::from_secs(10);

/// The versions of fences; no writer has them.
const FIRST_FENCE: u8 = 100;

/// Runs it in a thread of its own, because a thread cannot leave a mount namespace again.
pub(crate) fn run(world: &World) -> Result<Tally, Failure> {
    let body = || {
        if world.settings.mounts {
            mounts::isolate().unwrap();
        }
        Run::start(world).all(world)
    };
    let result = thread::scope(|scope| scope.spawn(body).join());
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let violation = Violation { law: Law::Running, what: text.unwrap_or_default() };
        Err(Failure { burst: 0, violations: vec![violation], history: String::new(), log: String::new() })
    })
}

struct Run {
    stage: Stage,
    target: Target,
    sidecar: Sidecar,
    watcher: Watcher,
    /// What was delivered last.
    delivered: Views,
    /// The digest of the last reload, and the number of reloads and reads by now.
    digest: String,
    reloads: usize,
    reads: usize,
    fences: u8,
    tally: Tally,
}

impl Run {
    fn start(world: &World) -> Self {
        let stage = Stage::new(world).unwrap();
        let name = unique_name();
        let mut target = Target::builder().named(&name);
        for path in stage.watched() {
            target = target.read(path);
        }
        if world.settings.user {
            target = target.user(OTHER_USER, OTHER_USER);
        }
        let paths: Vec<PathBuf> = stage.watched().into_iter().map(Path::to_owned).collect();
        let target = target.spawn().unwrap();
        let sidecar = paths.iter().fold(Sidecar::builder(), Builder::config_dir).process_name(&name);
        let sidecar = for_user(with_settings(sidecar, &world.settings), &world.settings).spawn();
        let ready = sidecar.log_lines(" ready ").remove(0);
        let watcher = Watcher::new(paths, world.settings);
        Self {
            stage,
            target,
            sidecar,
            delivered: watcher.look(),
            watcher,
            digest: digest_in(&ready).unwrap().to_owned(),
            reloads: 0,
            reads: 0,
            fences: FIRST_FENCE,
            tally: Tally::default(),
        }
    }

    fn all(mut self, world: &World) -> Result<Tally, Failure> {
        let result = self.bursts(world);
        // Else the directories could not be removed.
        while self.stage.unmount().is_ok() {}
        result.map(|()| self.tally)
    }

    fn bursts(&mut self, world: &World) -> Result<(), Failure> {
        for (number, burst) in world.bursts.iter().enumerate() {
            let before = self.delivered.clone();
            self.burst(number, burst)?;
            // Only a later change proves that nothing was going to come of this one.
            if before == self.delivered {
                self.fence(number)?;
            }
        }
        sleep(Duration::from_millis(world.settings.resync));
        self.fence(world.bursts.len())
    }

    /// A change that must be the next reload.
    fn fence(&mut self, number: usize) -> Result<(), Failure> {
        self.fences = self.fences.checked_add(1).unwrap_or(FIRST_FENCE);
        let step = self.stage.fence(self.fences);
        self.burst(number, &[step])
    }

    fn burst(&mut self, number: usize, steps: &[Step]) -> Result<(), Failure> {
        let since = clock::now();
        self.watcher.actions.clear();
        self.stage.written.clear();
        for step in steps {
            self.step(*step);
        }
        let open: Vec<PathBuf> = self.stage.slow.keys().cloned().collect();
        for path in open {
            self.watcher.begin(0);
            let _ = self.stage.close(&path);
            self.watcher.note("close what is still open", Effect::Close, self.stage.is_finished());
        }
        self.restore_lost();
        let observed = self.observe(since);
        let mut verdict = judge(&observed, &self.watcher.settings, &self.watcher.paths);
        if !self.sidecar.is_running() {
            verdict.violations.push(Violation { law: Law::Running, what: "the sidecar ended".to_owned() });
        }
        self.settle(number, &observed, verdict)
    }

    /// What was written to a path before it went missing may have been delivered or not; it returns then, so that
    /// what must be delivered is certain.
    fn restore_lost(&mut self) {
        let paths = 0..self.stage.places.len();
        // Twice, because a directory may have to return before a path in it can.
        for path in paths.clone().chain(paths) {
            let mut views = self.watcher.actions.iter().map(|action| &action.after[path]);
            let is_missing = views.next_back() == Some(&View::Missing);
            let known = |view: &View| *view == View::Missing || *view == self.delivered[path];
            if is_missing && !views.all(known) {
                let step = self.stage.restoring(path);
                self.step(step);
            }
        }
    }

    fn step(&mut self, step: Step) {
        let label = format!("{}: {:?}", step.path, step.act);
        let watcher = &mut self.watcher;
        watcher.begin(step.gap.max(self.stage.least_gap(step)));
        let is_volume = matches!(step.act, Act::SlowPublish(..) | Act::LateGroup(..));
        let midway = if is_volume { Effect::Midway } else { Effect::Ordinary };
        let before = watcher.look();
        let was_finished = self.stage.is_finished();
        watcher.start = clock::now();
        let result = self.stage.act(step.path, step.act, &mut |stage: &Stage, time| {
            watcher.note(&format!("{label}, first part"), midway, !is_volume && stage.is_finished());
            watcher.begin(time);
        });
        if let Act::Open(name, _) | Act::Piece(name, _) = step.act {
            let shows = watcher.look() != before;
            self.stage.note_slow(step.path, name, shows);
        }
        self.stage.note_written(step);
        let finished = self.stage.is_finished();
        let effect = match step.act.effect() {
            // The sidecar does not watch for a file that does not count.
            Effect::Close if was_finished => Effect::Ordinary,
            // What cannot be mounted hides nothing.
            Effect::Unseen if result.is_err() => Effect::Ordinary,
            effect => effect,
        };
        let outcome = result.err().map(|error| format!(" ({error})")).unwrap_or_default();
        watcher.note(&(label + &outcome), effect, finished);
    }

    /// Waits until what the burst led to is delivered, and for what else may come.
    fn observe(&mut self, since: Nanos) -> Observed {
        let now = self.watcher.actions.last().map_or_else(|| self.watcher.look(), |last| last.after.clone());
        let paths: Vec<&Path> = self.watcher.paths.iter().map(PathBuf::as_path).collect();
        let settings = self.watcher.settings;
        // While a path is missing, no sidecar starts.
        let is_whole = paths.iter().all(|path| path.exists());
        let fresh_digest = is_whole.then(|| digest_with(&paths, |sidecar| with_settings(sidecar, &settings)));
        self.wait_for(&now, fresh_digest.as_deref());
        sleep(self.settling());
        self.wait_for(&now, fresh_digest.as_deref());
        let digests = self.digests();
        Observed {
            start: self.delivered.clone(),
            actions: std::mem::take(&mut self.watcher.actions),
            reads: self.new_reads(),
            digests,
            fresh_digest,
            stall: heartbeat::worst_since(since),
        }
    }

    fn wait_for(&self, now: &Views, fresh_digest: Option<&str>) {
        let is_new = self.state_after(now) != self.delivered;
        let settings = &self.watcher.settings;
        let longest = Duration::from_millis(settings.max_wait + settings.quiet + settings.resync) + PATIENCE;
        let _ = wait::try_until(longest, || {
            sleep(Duration::from_millis(5));
            let reads = self.new_reads();
            let Some(last) = reads.last() else { return (!is_new).then_some(()) };
            let told = self.digests().pop();
            let is_told = fresh_digest.is_none_or(|fresh| told.as_deref() == Some(fresh));
            let is_read = is_what_was_read(now, &self.watcher.paths, &last.files, settings);
            (is_told && is_read).then_some(())
        });
    }

    /// How long to wait for a reload that must not come.
    fn settling(&self) -> Duration {
        let settings = &self.watcher.settings;
        let is_unseen = |action: &Action| action.effect == Effect::Unseen;
        let resync = if self.watcher.actions.iter().any(is_unseen) { settings.resync } else { 0 };
        Duration::from_millis(settings.quiet * 3 / 2 + 100 + resync)
    }

    /// Judged by what was delivered before each action.
    fn state_after(&self, now: &Views) -> Views {
        let states = self.watcher.actions.iter().map(|action| &action.after).chain([now]);
        let end = states.fold(self.delivered.clone(), |last, after| followed(&last, after));
        held(&self.delivered, &end)
    }

    fn new_reads(&self) -> Vec<Read> {
        let signals = self.target.signals().into_iter().skip(self.reads);
        signals.map(|signal| Read { at: signal.ns, by: signal.read_by, files: signal.files }).collect()
    }

    /// The digest of the last reload before the burst, and of each since.
    fn digests(&self) -> Vec<String> {
        let lines = self.sidecar.log_lines(" sent signal=");
        let new = lines.iter().skip(self.reloads).filter_map(|line| digest_in(line)).map(str::to_owned);
        [self.digest.clone()].into_iter().chain(new).collect()
    }

    /// Takes the burst into the tally, or ends the world.
    fn settle(&mut self, number: usize, observed: &Observed, verdict: Verdict) -> Result<(), Failure> {
        self.tally.take(observed, &verdict);
        self.delivered = observed.delivered();
        self.reloads += observed.reloads();
        self.reads += observed.reads.len();
        self.digest = observed.digests.last().cloned().unwrap_or_default();
        if verdict.violations.is_empty() {
            return Ok(());
        }
        let history = observed.history();
        Err(Failure { burst: number, violations: verdict.violations, history, log: self.sidecar.log() })
    }
}

/// What decides on a digest goes to fresh sidecars as well.
fn with_settings(sidecar: Builder, settings: &Settings) -> Builder {
    let sidecar = sidecar
        .env("QUIET_PERIOD", format!("{}ms", settings.quiet))
        .env("MAX_WAIT", format!("{}ms", settings.max_wait))
        .env("RESYNC_INTERVAL", format!("{}ms", settings.resync))
        .env("RECURSIVE", settings.recursive.to_string());
    if settings.ignore { sidecar.env("IGNORE", IGNORED) } else { sidecar }
}

fn for_user(sidecar: Builder, settings: &Settings) -> Builder {
    let sidecar = sidecar.env("VERBOSE", "true");
    if settings.user { sidecar.user(OTHER_USER, OTHER_USER) } else { sidecar }
}
