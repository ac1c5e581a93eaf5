//! Whoever is slow, endless or idle: cut off, at a bounded cost, while reloads and scrapes go on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sidecar_testkit::clock;
use sidecar_testkit::target::Target;
use sidecar_testkit::wait;

use crate::support::{DEADLINE, unique_name};
use crate::{Config, Served, http, process, target};

/// A connection's time, and as much again for a machine under load.
const CUT_OFF: Duration = Duration::from_secs(5);
/// What a reload may take on a machine under load, and less than a connection's time.
const IN_TIME: Duration = Duration::from_secs(2);
/// Connections that it holds, and what else is open for a moment.
const MOST_CONNECTIONS: usize = 40;
/// Most growth of the resident memory, in KiB.
const MOST_GROWTH: i64 = 600;
/// More than the kernel's buffers of a connection hold on both sides.
const ENDLESS: usize = 64 * 1024 * 1024;

struct Attacked {
    config: Config,
    target: Target,
    served: Served,
    descriptors: usize,
    resident: i64,
}

impl Attacked {
    /// It has been asked and has reloaded, so that it has all that it needs for both.
    #[track_caller]
    fn new() -> Self {
        let (config, name) = (Config::new(), unique_name());
        let target = target(&name);
        let served = Served::watching(config.path(), &name);
        let pid = served.sidecar.pid();
        let mut attacked = Self { config, target, served, descriptors: 0, resident: 0 };
        for _ in 0..3 {
            attacked.expect_service();
        }
        let ended = || (process::ip_sockets(pid) == 1).then_some(());
        wait::until(DEADLINE, "all connections to end", ended);
        (attacked.descriptors, attacked.resident) = (process::descriptors(pid), process::resident(pid));
        attacked
    }

    /// A change is delivered in normal time, and a scrape is answered.
    #[track_caller]
    fn expect_service(&self) {
        let (count, before) = (self.target.signals().len() + 1, clock::now());
        self.config.change();
        let last = self.target.wait_for_signals(count, DEADLINE).pop().unwrap();
        let took = Duration::from_nanos(last.ns.saturating_sub(before));
        assert!(took < IN_TIME, "a reload took {took:?}");
        // While others come in a flood, a scrape can be cut off with them.
        let before = Instant::now();
        let scrape = || http::try_exchange(self.served.address, b"GET /metrics HTTP/1.1\r\n\r\n");
        let answer = wait::until(DEADLINE, "a scrape", scrape);
        assert!(answer.status == 200 && before.elapsed() < IN_TIME, "{:?}: {answer:?}", before.elapsed());
    }

    #[track_caller]
    fn expect_bounds(&self) {
        let pid = self.served.sidecar.pid();
        let (descriptors, growth) = (process::descriptors(pid), process::resident(pid) - self.resident);
        eprintln!(
            "{}: {growth} kB and {} descriptors more",
            thread::current().name().unwrap_or_default(),
            descriptors - self.descriptors
        );
        assert!(descriptors <= self.descriptors + MOST_CONNECTIONS, "{descriptors} descriptors");
        assert!(growth <= MOST_GROWTH, "{growth} kB more");
    }

    /// All that was held is let go.
    #[track_caller]
    fn expect_end(&self) {
        let pid = self.served.sidecar.pid();
        wait::until(DEADLINE, "all connections to be cut off", || {
            (process::descriptors(pid) == self.descriptors).then_some(())
        });
    }
}

/// Lets this process have so many connections at once.
fn allow_descriptors() {
    let (pid, limit) = (std::process::id().to_string(), "--nofile=8192:");
    // Where the limit is higher than that already, nothing is to be done.
    let _ = Command::new("prlimit").args(["--pid", &pid, limit]).output();
}

fn a_thousand(attacked: &Attacked, head: &[u8]) -> Vec<TcpStream> {
    allow_descriptors();
    let connect = |_| {
        let mut stream = http::connect(attacked.served.address);
        let _ = stream.write_all(head);
        stream
    };
    (0..1000).map(connect).collect()
}

fn is_ended(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

#[test]
fn a_thousand_idle_connections_are_bounded_and_cut_off() {
    for head in [Vec::new(), [b"GET /", "x".repeat(7000).as_bytes()].concat()] {
        let attacked = Attacked::new();
        let mut idle = a_thousand(&attacked, &head);
        attacked.expect_bounds();
        attacked.expect_service();
        attacked.expect_bounds();
        attacked.expect_end();
        assert!(idle.iter_mut().all(is_ended));
        attacked.expect_service();
    }
}

#[test]
fn a_flood_of_connections_does_not_keep_others_out() {
    let attacked = Attacked::new();
    let (address, over) = (attacked.served.address, AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = Vec::new();
            while !over.load(Ordering::Relaxed) {
                last.extend(TcpStream::connect(address));
                last.drain(..last.len().saturating_sub(100));
            }
        });
        let served = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..10 {
                attacked.expect_service();
                attacked.expect_bounds();
            }
        }));
        over.store(true, Ordering::Relaxed);
        served.unwrap();
    });
    attacked.expect_end();
    attacked.expect_service();
}

/// A byte at a time, so that something is always under way.
#[test]
fn a_slow_client_is_cut_off_in_time() {
    let attacked = Attacked::new();
    let before = Instant::now();
    let mut stream = http::connect(attacked.served.address);
    // The pause between two bytes.
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut head = b"GET /metrics HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
    wait::until(DEADLINE, "the end of the connection", || {
        (stream.write_all(&[*head.next().unwrap()]).is_err() || is_ended(&mut stream)).then_some(())
    });
    let took = before.elapsed();
    assert!((CUT_OFF..CUT_OFF * 2).contains(&took), "cut off after {took:?}");
    attacked.expect_service();
    attacked.expect_end();
}

/// The others, if there are few of them, are served while it is there.
#[test]
fn a_slow_client_delays_nobody() {
    let attacked = Attacked::new();
    let slow: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = http::connect(attacked.served.address);
            stream.write_all(b"GET /metrics HT").unwrap();
            stream
        })
        .collect();
    for _ in 0..3 {
        attacked.expect_service();
        attacked.expect_bounds();
    }
    drop(slow);
    attacked.expect_end();
}

/// In a single field, and in a body that nobody wants.
#[test]
fn what_never_ends_is_cut_off() {
    for start in ["GET /", "POST /metrics HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n"] {
        let attacked = Attacked::new();
        let mut stream = http::connect(attacked.served.address);
        stream.write_all(start.as_bytes()).unwrap();
        let (piece, mut sent) = (vec![b'x'; 64 * 1024], 0);
        while sent < ENDLESS && stream.write_all(&piece).is_ok() {
            sent += piece.len();
        }
        assert!(sent < ENDLESS, "{sent} bytes were taken");
        attacked.expect_bounds();
        attacked.expect_service();
        attacked.expect_end();
    }
}

/// An answer that nobody reads is no reason to wait either.
#[test]
fn who_does_not_read_the_answer_is_cut_off() {
    let attacked = Attacked::new();
    let mut deaf = a_thousand(&attacked, b"GET /metrics HTTP/1.1\r\n\r\n");
    attacked.expect_service();
    attacked.expect_bounds();
    attacked.expect_end();
    deaf.clear();
    attacked.expect_service();
}
