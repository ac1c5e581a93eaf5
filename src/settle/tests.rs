use super::*;
use proptest::prelude::*;

const PACE: Pace = Pace { quiet_period: Duration::from_millis(100), max_wait: Duration::from_secs(2) };

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What happens to a watched path.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A plain event, after which a file is open for writing or not.
    Written(bool),
    /// An event of a volume, which is complete so much later.
    Swapped(u64),
    /// From now on for so long it cannot be looked at.
    Hidden(u64),
    /// A resync finds a difference.
    Suspected,
}

/// After so many milliseconds, to this path.
type Step = (u64, usize, Happening);

/// Watched paths on made-up time, with the machine that runs in the daemon.
struct World {
    settle: Settle,
    now: Instant,
    /// Until when a volume is incomplete, and until when a path cannot be looked at.
    incomplete: Vec<Instant>,
    hidden: Vec<Instant>,
    /// The first event since all was read, by the world's own account.
    since: Option<Instant>,
    last: Vec<Option<Instant>>,
    writing: Vec<bool>,
    reads: Vec<Read>,
}

/// A time at which all paths were read.
#[derive(Debug, Clone)]
struct Read {
    at: Instant,
    first: Option<Instant>,
    since: Option<Instant>,
    is_accepted: bool,
    is_overdue: bool,
    outcomes: Vec<Outcome>,
    last: Vec<Option<Instant>>,
    writing: Vec<bool>,
}

impl World {
    fn new(paths: usize, pace: Pace) -> Self {
        let now = Instant::now();
        let never = vec![now; paths];
        let (last, writing) = (vec![None; paths], vec![false; paths]);
        let settle = Settle::new(paths, pace);
        Self {
            settle,
            now,
            incomplete: never.clone(),
            hidden: never,
            since: None,
            last,
            writing,
            reads: Vec::new(),
        }
    }

    /// Lets time pass, and reads whenever the machine asks for it.
    fn pass(&mut self, until: Instant) {
        loop {
            match self.settle.read_at() {
                Some(at) if at <= self.now => self.read(),
                Some(at) if at <= until => self.now = at,
                _ => break,
            }
        }
        self.now = until;
    }

    fn read(&mut self) {
        let outcome = |index: usize| match () {
            () if self.hidden[index] > self.now => Outcome::Failed,
            () if self.incomplete[index] > self.now => Outcome::Incomplete,
            () => Outcome::Settled,
        };
        let outcomes: Vec<Outcome> = (0..self.last.len()).map(outcome).collect();
        let (first, is_overdue) = (self.settle.first(), self.settle.is_overdue(self.now));
        let is_accepted = self.settle.read(&outcomes, self.now);
        let (at, since, last, writing) = (self.now, self.since, self.last.clone(), self.writing.clone());
        if is_accepted {
            self.last.fill(None);
            self.since = None;
        }
        self.reads.push(Read { at, first, since, is_accepted, is_overdue, outcomes, last, writing });
        assert!(self.settle.read_at().is_none_or(|at| at > self.now), "it must not read twice at one time");
    }

    fn happen(&mut self, (gap, path, happening): Step) {
        self.pass(self.now + ms(gap));
        let now = self.now;
        if !matches!(happening, Happening::Hidden(_)) {
            self.since.get_or_insert(now);
        }
        let event = |plain, volume, is_writing| Events { first: now, plain, volume, is_writing };
        match happening {
            Happening::Written(is_writing) => {
                self.settle.add(path, event(Some(now), None, is_writing));
                (self.last[path], self.writing[path]) = (Some(now), is_writing);
            }
            Happening::Swapped(later) => {
                self.incomplete[path] = now + ms(later);
                self.settle.add(path, event(None, Some(now), self.writing[path]));
            }
            Happening::Hidden(long) => self.hidden[path] = now + ms(long),
            Happening::Suspected => self.settle.suspect(path, now),
        }
    }

    fn happen_all(&mut self, steps: &[Step]) {
        for step in steps {
            self.happen(*step);
        }
    }

    fn play(paths: usize, pace: Pace, steps: &[Step]) -> Self {
        let mut world = Self::new(paths, pace);
        world.happen_all(steps);
        world.pass(world.now + Duration::from_mins(1));
        world
    }

    fn accepted(&self) -> impl Iterator<Item = &Read> {
        self.reads.iter().filter(|read| read.is_accepted && read.first.is_some())
    }
}

#[test]
fn the_rules_by_example() {
    use Happening::{Hidden, Suspected, Swapped, Written};
    /// Milliseconds after the first step at which all paths are read and accepted.
    type Case = (&'static str, usize, &'static [Step], &'static [u64]);
    let table: &[Case] = &[
        ("a plain event waits for quiet", 1, &[(0, 0, Written(false))], &[100]),
        ("each further one prolongs it", 1, &[(0, 0, Written(false)), (90, 0, Written(false))], &[190]),
        ("quiet is over", 1, &[(0, 0, Written(false)), (101, 0, Written(false))], &[100, 201]),
        ("an open file is not quiet", 1, &[(0, 0, Written(true)), (700, 0, Written(false))], &[800]),
        ("but not for ever", 1, &[(0, 0, Written(true))], &[2000]),
        (
            "one path waits for the other",
            2,
            &[(0, 0, Written(false)), (60, 1, Written(true)), (500, 1, Written(false))],
            &[660],
        ),
        ("a volume alone waits for nothing", 1, &[(0, 0, Swapped(0))], &[0]),
        ("a volume waits for other paths", 2, &[(0, 0, Swapped(0))], &[100]),
        ("two volumes are one change", 2, &[(0, 0, Swapped(0)), (90, 1, Swapped(0))], &[190]),
        ("an incomplete volume is looked at again", 1, &[(0, 0, Swapped(50))], &[60]),
        ("and again at each event", 1, &[(0, 0, Swapped(50)), (50, 0, Swapped(0))], &[50]),
        ("but not for ever", 1, &[(0, 0, Swapped(60_000))], &[2000]),
        (
            "a volume with a plain part waits for its quiet",
            1,
            &[(0, 0, Swapped(0)), (0, 0, Written(false))],
            &[0, 100],
        ),
        ("a resync starts a change", 1, &[(0, 0, Suspected)], &[100]),
        ("and prolongs none", 1, &[(0, 0, Written(false)), (90, 0, Suspected)], &[100]),
        (
            "what cannot be looked at is tried again",
            1,
            &[(0, 0, Hidden(250)), (0, 0, Written(false))],
            &[400],
        ),
        (
            "it holds up the others, but not for ever",
            2,
            &[(0, 0, Hidden(60_000)), (0, 1, Written(false))],
            &[2000],
        ),
        (
            "and not again",
            2,
            &[(0, 0, Hidden(60_000)), (0, 1, Written(false)), (3000, 1, Written(false))],
            &[2000, 3100],
        ),
    ];
    for (what, paths, steps, expected) in table {
        let mut world = World::new(*paths, PACE);
        let start = world.now;
        world.happen_all(steps);
        world.pass(world.now + Duration::from_secs(30));
        let at = |read: &Read| u64::try_from((read.at - start).as_millis()).unwrap();
        assert_eq!(world.accepted().map(at).collect::<Vec<_>>(), *expected, "{what}");
    }
}

#[test]
fn a_path_that_cannot_be_looked_at_is_tried_ever_more_rarely() {
    let world = World::play(1, PACE, &[(0, 0, Happening::Hidden(60_000)), (0, 0, Happening::Written(false))]);
    let tries: Vec<u128> = world.reads.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect();
    assert_eq!(tries[..6], [100, 200, 400, 800, 400, 3200], "the longest wait ends before the fifth");
    assert!(tries[6..].iter().all(|between| *between == 5000), "{tries:?}");
}

#[test]
fn a_volume_waits_for_other_paths_no_longer_than_the_quiet_period() {
    let pace = Pace { quiet_period: ms(10), ..PACE };
    let world = World::play(2, pace, &[(0, 0, Happening::Swapped(0))]);
    let read = world.accepted().next().unwrap();
    assert_eq!(read.at - read.first.unwrap(), ms(10));
    let pace = Pace { quiet_period: Duration::from_secs(1), ..PACE };
    let world = World::play(2, pace, &[(0, 0, Happening::Swapped(0))]);
    let read = world.accepted().next().unwrap();
    assert_eq!(read.at - read.first.unwrap(), OTHER_PATHS);
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => any::<bool>().prop_map(Happening::Written),
        3 => (0..300u64).prop_map(Happening::Swapped),
        1 => (0..3000u64).prop_map(Happening::Hidden),
        1 => Just(Happening::Suspected),
    ]
}

fn pace() -> impl Strategy<Value = Pace> {
    (0..500u64, 0..3000u64)
        .prop_map(|(quiet, more)| Pace { quiet_period: ms(quiet), max_wait: ms(quiet + more) })
}

proptest! {
    #[test]
    fn nothing_is_read_too_early_too_late_or_lost(
        paths in 1..4usize,
        pace in pace(),
        steps in prop::collection::vec((0..400u64, 0..3usize, happening()), 1..40),
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|(gap, path, what)| (gap, path % paths, what)).collect();
        let world = World::play(paths, pace, &steps);
        for read in &world.reads {
            let since = read.since.unwrap_or(read.at);
            prop_assert!(read.at <= since + pace.max_wait, "too late: {read:?}");
            if !read.is_accepted || read.is_overdue {
                continue;
            }
            for ((last, is_writing), outcome) in read.last.iter().zip(&read.writing).zip(&read.outcomes) {
                prop_assert!(*outcome != Outcome::Incomplete, "not complete: {read:?}");
                if let Some(last) = last {
                    prop_assert!(read.at >= *last + pace.quiet_period && !is_writing, "too early: {read:?}");
                }
            }
        }
        prop_assert_eq!(world.settle.read_at(), None, "nothing is left over");
        prop_assert!(world.last.iter().all(Option::is_none), "each event is answered");
    }

    #[test]
    fn events_within_one_quiet_period_are_one_reading(
        paths in 1..4usize,
        gaps in prop::collection::vec((0..100u64, 0..3usize, any::<bool>()), 1..15),
    ) {
        let pace = Pace { max_wait: Duration::from_mins(1), ..PACE };
        let what = |(gap, path, is_plain): (u64, usize, bool)| {
            // A volume that is alone needs no quiet.
            let happening =
                if is_plain || paths == 1 { Happening::Written(false) } else { Happening::Swapped(0) };
            (gap, path % paths, happening)
        };
        let steps: Vec<Step> = gaps.into_iter().map(what).collect();
        let world = World::play(paths, pace, &steps);
        prop_assert_eq!(world.accepted().count(), 1);
    }

    #[test]
    fn a_resync_changes_nothing_for_a_path_that_is_unsettled(
        steps in prop::collection::vec((0..400u64, 0..2usize, happening()), 1..20),
        later in 0..400u64,
    ) {
        let mut world = World::new(2, PACE);
        world.happen_all(&steps);
        world.happen((0, 0, Happening::Written(true)));
        world.pass(world.now + ms(later));
        prop_assume!(world.settle.first_of(0).is_some());
        let before = world.settle.read_at();
        world.happen((0, 0, Happening::Suspected));
        prop_assert_eq!(world.settle.read_at(), before);
    }
}
