use super::*;
use crate::process::StartTime;
use crate::signal::Refusal;
use proptest::prelude::*;

fn digest(number: u8) -> Digest {
    Digest::for_tests(number)
}

fn target(pid: i32, started_ticks: u64) -> ProcessId {
    ProcessId { pid, started: StartTime::from_ticks(started_ticks) }
}

/// A made-up clock: tests move it, and nothing waits.
struct Clock {
    start: Instant,
    elapsed: Duration,
}

impl Clock {
    fn new() -> Self {
        Self { start: Instant::now(), elapsed: Duration::from_hours(1) }
    }

    fn now(&self) -> Instant {
        self.start + self.elapsed
    }

    fn ticks(&self) -> u64 {
        u64::try_from(self.elapsed.as_millis() / 10).unwrap()
    }

    fn change(&self, number: u8) -> Change {
        Change { digest: digest(number), first_event: self.now(), began: self.elapsed, seen: self.elapsed }
    }
}

/// The targets have configuration 0.
fn reload(min_interval: Duration) -> Reload {
    let mut reload = Reload::new(min_interval);
    reload.applied(digest(0));
    reload
}

fn refused() -> Outcome {
    Outcome::Refused(Refusal::NotPermitted { uid: 1 })
}

fn attempt(reload: &mut Reload, outcomes: &[(ProcessId, Outcome)], now: Instant) -> Conclusion {
    reload.attempted(outcomes.iter().map(|(target, outcome)| (*target, outcome)), now)
}

#[test]
fn a_change_is_delivered_once() {
    let (clock, app) = (Clock::new(), target(7, 1));
    let mut reload = reload(Duration::ZERO);
    assert_eq!(reload.due(), None);
    assert!(reload.want(clock.change(1), Duration::ZERO, clock.now()));
    assert_eq!((reload.due(), reload.plan(app)), (Some(clock.now()), Plan::Signal));
    let done = attempt(&mut reload, &[(app, Outcome::Delivered)], clock.now());
    assert_eq!(done, Conclusion::Delivered(clock.change(1)));
    assert!(!reload.want(clock.change(1), Duration::ZERO, clock.now()));
    assert_eq!(reload.due(), None);
}

#[test]
fn attempts_double_to_five_seconds_for_as_long_as_it_takes() {
    let mut clock = Clock::new();
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    for expected in [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000] {
        attempt(&mut reload, &[], clock.now());
        assert_eq!(reload.due(), Some(clock.now() + Duration::from_millis(expected)));
        clock.elapsed += Duration::from_millis(expected);
    }
}

#[test]
fn the_log_is_told_at_once_each_minute_and_when_the_obstacle_changes() {
    let mut clock = Clock::new();
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    let mut told = Vec::new();
    for second in 0..150 {
        let outcomes = if second < 130 { vec![] } else { vec![(target(7, 1), refused())] };
        if let Conclusion::Pending { tell: true, obstacle, .. } = attempt(&mut reload, &outcomes, clock.now())
        {
            told.push((second, obstacle));
        }
        clock.elapsed += Duration::from_secs(1);
    }
    let none = Obstacle::NoTarget;
    assert_eq!(told, [(0, none), (60, none), (120, none), (130, Obstacle::Refused)]);
}

#[test]
fn only_the_targets_that_did_not_get_it_are_tried_again() {
    let (clock, one, two) = (Clock::new(), target(7, 1), target(8, 1));
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    let partly = attempt(&mut reload, &[(one, Outcome::Delivered), (two, refused())], clock.now());
    assert!(matches!(partly, Conclusion::Pending { obstacle: Obstacle::Refused, .. }));
    assert_eq!((reload.plan(one), reload.plan(two)), (Plan::UpToDate, Plan::Signal));
    let done = attempt(&mut reload, &[(one, Outcome::UpToDate), (two, Outcome::Delivered)], clock.now());
    assert!(matches!(done, Conclusion::Delivered(_)));
}

#[test]
fn changes_while_one_is_pending_become_one() {
    let mut clock = Clock::new();
    let app = target(7, 1);
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    let first_event = clock.now();
    attempt(&mut reload, &[(app, refused())], clock.now());
    clock.elapsed += Duration::from_millis(50);
    assert!(reload.want(clock.change(2), Duration::ZERO, clock.now()));
    assert_eq!(reload.due(), Some(clock.now()), "a new change is tried at once");
    let Conclusion::Delivered(change) = attempt(&mut reload, &[(app, Outcome::Delivered)], clock.now())
    else {
        panic!("not delivered");
    };
    assert_eq!((change.digest, change.first_event), (digest(2), first_event));
    assert_eq!(reload.due(), None);
}

#[test]
fn a_target_that_started_after_the_change_needs_no_signal() {
    let clock = Clock::new();
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    let newcomer = target(9, clock.ticks() + 1);
    assert_eq!(reload.plan(newcomer), Plan::Superseded);
    assert_eq!(reload.plan(target(9, clock.ticks())), Plan::Signal, "in the same tick it may be older");
    let done = attempt(&mut reload, &[(newcomer, Outcome::Superseded)], clock.now());
    assert!(matches!(done, Conclusion::Superseded(_)));
}

#[test]
fn changed_and_changed_back_is_a_signal_only_for_who_may_have_seen_it() {
    let mut clock = Clock::new();
    let veteran = target(7, 1);
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    attempt(&mut reload, &[], clock.now());
    clock.elapsed += Duration::from_secs(1);
    let newcomer = target(9, clock.ticks());
    clock.elapsed += Duration::from_secs(1);
    reload.want(clock.change(0), Duration::ZERO, clock.now());
    assert_eq!((reload.plan(veteran), reload.plan(newcomer)), (Plan::UpToDate, Plan::Signal));
}

#[test]
fn a_second_look_is_soon_and_not_told() {
    let (clock, app) = (Clock::new(), target(7, 1));
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    let result = attempt(&mut reload, &[(app, Outcome::Undecided)], clock.now());
    assert_eq!(result, Conclusion::Undecided);
    assert_eq!(reload.due(), Some(clock.now() + MOMENT));
    let held_back = attempt(&mut reload, &[(app, Outcome::HeldBack)], clock.now());
    assert!(matches!(held_back, Conclusion::Pending { tell: true, obstacle: Obstacle::HeldBack, .. }));
}

#[test]
fn a_target_that_ended_under_the_signal_is_looked_for_again() {
    let (clock, app) = (Clock::new(), target(7, 1));
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    let result = attempt(&mut reload, &[(app, Outcome::Gone)], clock.now());
    assert!(matches!(result, Conclusion::Pending { obstacle: Obstacle::NoTarget, tell: true, .. }));
}

#[test]
fn a_pause_is_counted_from_the_last_reload_and_holds_for_its_change_only() {
    let (mut clock, app) = (Clock::new(), target(7, 1));
    let second = Duration::from_secs(1);
    let mut reload = reload(2 * second);
    reload.want(clock.change(1), 10 * second, clock.now());
    assert_eq!(reload.due(), Some(clock.now()), "nothing was reloaded before");
    attempt(&mut reload, &[(app, Outcome::Delivered)], clock.now());
    let last = clock.now();
    clock.elapsed += second;
    reload.want(clock.change(2), second, clock.now());
    assert_eq!(reload.due(), Some(last + 2 * second), "the least interval is longer");
    reload.want(clock.change(3), 10 * second, clock.now());
    assert_eq!(reload.due(), Some(last + 10 * second));
    reload.want(clock.change(4), Duration::ZERO, clock.now());
    assert_eq!(reload.due(), Some(last + 2 * second));
    clock.elapsed += 5 * second;
    reload.want(clock.change(5), 3 * second, clock.now());
    assert_eq!(reload.due(), Some(clock.now()), "the pause is over");
}

#[test]
fn what_is_wanted_already_prolongs_no_pause() {
    let (mut clock, app) = (Clock::new(), target(7, 1));
    let mut reload = reload(Duration::ZERO);
    reload.want(clock.change(1), Duration::ZERO, clock.now());
    attempt(&mut reload, &[(app, Outcome::Delivered)], clock.now());
    clock.elapsed += Duration::from_secs(1);
    reload.want(clock.change(2), Duration::ZERO, clock.now());
    assert!(!reload.want(clock.change(2), Duration::from_mins(1), clock.now()));
    assert_eq!(reload.due(), Some(clock.now()));
}

#[test]
fn where_nothing_is_known_each_target_is_reloaded_unless_it_started_later() {
    let clock = Clock::new();
    let mut reload = Reload::new(Duration::ZERO);
    reload.unknown(clock.change(1), clock.now());
    assert_eq!(reload.due(), Some(clock.now()));
    assert_eq!(reload.plan(target(7, 1)), Plan::Signal);
    assert_eq!(reload.plan(target(9, clock.ticks() + 1)), Plan::Superseded);
    let none = attempt(&mut reload, &[], clock.now());
    assert!(matches!(none, Conclusion::Pending { obstacle: Obstacle::NoTarget, tell: false, .. }));
}

mod laws;
