//! The promises P2 and P4 as laws, in a made-up world where everything that can go wrong does.

use super::*;
use crate::signal::{Disposition, Guard, Verdict};

#[derive(Debug, Clone)]
enum Step {
    /// The configuration changes.
    Change(u8),
    /// The configuration changes, and the sidecar is killed and started again.
    ChangeAndRestartOfSidecar(u8),
    Wait(u64),
    /// The kernel refuses signals to this target, or does not any more.
    Refuse(usize, bool),
    /// The target is started (again): it reads the configuration, and has no handler yet.
    Restart(usize),
    /// A target that is starting reads the configuration once more.
    ReadLate(usize),
    /// The target has its handler, or waits for the signal blocked.
    Ready(usize, bool),
    Stop(usize),
}

#[derive(Debug, Default, Clone)]
struct Slot {
    running: Option<ProcessId>,
    refuses: bool,
    handles: Option<Disposition>,
    reads: u8,
    delivered: Vec<u8>,
    killed: bool,
    /// It was seen without a handler, so it may have read any configuration since.
    held_back: bool,
}

struct World {
    clock: Clock,
    reload: Reload,
    guard: Guard,
    config: u8,
    /// The configuration's last change, as the files' times tell it.
    changed: Duration,
    slots: Vec<Slot>,
    next_pid: i32,
}

impl World {
    fn new(slots: usize, min_interval: Duration) -> Self {
        let (clock, reload) = (Clock::new(), reload(min_interval));
        let (guard, changed) = (Guard::default(), clock.elapsed);
        let slots = vec![Slot::default(); slots];
        let mut world = Self { clock, reload, guard, config: 0, changed, slots, next_pid: 10 };
        for slot in 0..world.slots.len() {
            world.restart(slot);
            world.slots[slot].handles = Some(Disposition::Caught);
        }
        world.clock.elapsed += Duration::from_secs(1);
        world
    }

    fn restart(&mut self, slot: usize) {
        self.next_pid += 1;
        let running = Some(target(self.next_pid, self.clock.ticks()));
        let refuses = self.slots[slot].refuses;
        self.slots[slot] = Slot { running, refuses, reads: self.config, ..Slot::default() };
    }

    fn attempt(&mut self) {
        let mut outcomes = Vec::new();
        for slot in &mut self.slots {
            let Some(id) = slot.running else { continue };
            let outcome = match self.reload.plan(id) {
                Plan::UpToDate => Outcome::UpToDate,
                Plan::Superseded => Outcome::Superseded,
                Plan::Signal => {
                    let disposition = slot.handles.unwrap_or(Disposition::Default);
                    match self.guard.judge(id, disposition, self.clock.now(), self.clock.elapsed) {
                        Verdict::HoldBack => {
                            slot.held_back = true;
                            Outcome::HeldBack
                        }
                        Verdict::Undecided => {
                            slot.held_back = true;
                            Outcome::Undecided
                        }
                        Verdict::Send | Verdict::SendInVain if slot.refuses => refused(),
                        Verdict::Send | Verdict::SendInVain => {
                            slot.killed |= slot.handles.is_none();
                            slot.reads = self.config;
                            slot.delivered.push(self.config);
                            Outcome::Delivered
                        }
                    }
                }
            };
            outcomes.push((id, outcome));
        }
        let now = self.clock.now();
        attempt(&mut self.reload, &outcomes, now);
    }

    /// Attempts are made when they are due, and never before.
    fn run_until(&mut self, end: Duration) {
        while let Some(due) = self.reload.due().map(|due| due - self.clock.start)
            && due <= end
        {
            self.clock.elapsed = self.clock.elapsed.max(due);
            self.attempt();
        }
        self.clock.elapsed = self.clock.elapsed.max(end);
    }

    fn change(&mut self, number: u8) -> Change {
        self.config = number;
        let began = self.clock.change(number);
        // Every change takes time, as every digest does.
        self.clock.elapsed += Duration::from_millis(1);
        self.changed = self.clock.elapsed;
        Change { seen: self.clock.elapsed, ..began }
    }

    fn play(&mut self, step: &Step) {
        let slots = self.slots.len();
        match *step {
            Step::Change(number) => {
                let change = self.change(number);
                self.reload.want(change, Duration::ZERO, self.clock.now());
            }
            Step::ChangeAndRestartOfSidecar(number) => {
                if number != self.config {
                    self.change(number);
                }
                let configuration = Change { seen: self.changed, ..self.clock.change(self.config) };
                self.reload = Reload::new(self.reload.min_interval);
                self.reload.unknown(configuration, self.clock.now());
                self.guard = Guard::default();
            }
            Step::Wait(ms) => self.run_until(self.clock.elapsed + Duration::from_millis(ms)),
            Step::Refuse(slot, refuses) => self.slots[slot % slots].refuses = refuses,
            Step::Restart(slot) => self.restart(slot % slots),
            Step::ReadLate(slot) => {
                let slot = &mut self.slots[slot % slots];
                if slot.handles.is_none() {
                    slot.reads = self.config;
                }
            }
            Step::Ready(slot, blocks) => {
                let how = if blocks { Disposition::Blocked } else { Disposition::Caught };
                self.slots[slot % slots].handles = Some(how);
            }
            Step::Stop(slot) => self.slots[slot % slots].running = None,
        }
        self.run_until(self.clock.elapsed);
    }

    /// Nothing is in the way any more, and the machine is driven by its own deadlines.
    fn recover(&mut self) {
        for slot in 0..self.slots.len() {
            self.slots[slot].refuses = false;
            if self.slots[slot].running.is_none() {
                self.clock.elapsed += Duration::from_millis(20);
                self.restart(slot);
            }
            self.slots[slot].handles.get_or_insert(Disposition::Caught);
        }
        self.run_until(self.clock.elapsed + Duration::from_mins(1));
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4u8).prop_map(Step::Change),
        4 => (0..6000u64).prop_map(Step::Wait),
        2 => (0..3usize, any::<bool>()).prop_map(|(slot, refuses)| Step::Refuse(slot, refuses)),
        2 => (0..3usize).prop_map(Step::Restart),
        2 => (0..3usize).prop_map(Step::ReadLate),
        2 => (0..3usize, any::<bool>()).prop_map(|(slot, blocks)| Step::Ready(slot, blocks)),
        1 => (0..3usize).prop_map(Step::Stop),
    ];
    prop::collection::vec(step, 0..60)
}

fn with_restarts_of_the_sidecar() -> impl Strategy<Value = Vec<Step>> {
    let restart = (0..4u8).prop_map(Step::ChangeAndRestartOfSidecar);
    (steps(), prop::collection::vec((any::<prop::sample::Index>(), restart), 0..6)).prop_map(
        |(mut steps, restarts)| {
            for (at, restart) in restarts {
                steps.insert(at.index(steps.len() + 1), restart);
            }
            steps
        },
    )
}

fn rests() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..3000u64].prop_map(Duration::from_millis)
}

proptest! {
    /// P2, and P4 as far as a signal that is sent can kill.
    #[test]
    fn nothing_is_lost_and_nobody_harmed(
        steps in with_restarts_of_the_sidecar(),
        slots in 1..4usize,
    ) {
        let mut world = World::new(slots, Duration::ZERO);
        for step in &steps {
            world.play(step);
            prop_assert!(!world.slots.iter().any(|slot| slot.killed), "{:?}", world.slots);
        }
        world.recover();
        prop_assert_eq!(world.reload.due(), None);
        for slot in &world.slots {
            prop_assert_eq!(slot.reads, world.config, "{:?}", slot);
        }
    }

    #[test]
    fn no_configuration_is_delivered_twice_in_a_row(steps in steps(), slots in 1..4usize, rest in rests()) {
        let mut world = World::new(slots, rest);
        for step in &steps {
            world.play(step);
        }
        world.recover();
        for slot in &world.slots {
            let twice = slot.delivered.windows(2).any(|pair| pair[0] == pair[1]);
            prop_assert!(!twice || slot.held_back, "{:?}", slot);
        }
    }

    #[test]
    fn memory_is_bounded_by_the_targets(steps in with_restarts_of_the_sidecar()) {
        let mut world = World::new(2, Duration::ZERO);
        for step in &steps {
            world.play(step);
            let starting = world.reload.pending.as_ref().map_or(0, |pending| pending.starting.len());
            prop_assert!(world.reload.delivered.len() <= 2 && starting <= 2);
        }
    }

    #[test]
    fn reloads_are_a_rest_apart(
        changes in prop::collection::vec((0..4u8, 0..500u64), 1..40),
        rest in rests(),
    ) {
        let mut clock = Clock::new();
        let app = target(7, 1);
        let mut reload = reload(rest);
        let mut sent: Vec<(Instant, u8)> = Vec::new();
        let mut last = 0;
        for (number, gap) in changes.into_iter().map(Some).chain([None]).map(|change| change.unwrap_or((9, 60_000))) {
            if number < 9 {
                reload.want(clock.change(number), Duration::ZERO, clock.now());
                last = number;
            }
            let end = clock.elapsed + Duration::from_millis(gap);
            while let Some(due) = reload.due().map(|due| due - clock.start) && due <= end {
                clock.elapsed = clock.elapsed.max(due);
                let outcome = match reload.plan(app) {
                    Plan::Signal => {
                        sent.push((clock.now(), last));
                        Outcome::Delivered
                    }
                    _ => Outcome::UpToDate,
                };
                attempt(&mut reload, &[(app, outcome)], clock.now());
            }
            clock.elapsed = end;
        }
        prop_assert!(sent.windows(2).all(|pair| pair[1].0 - pair[0].0 >= rest), "{:?}", sent);
        prop_assert_eq!(sent.last().map_or(0, |(_, number)| *number), last);
    }
}
