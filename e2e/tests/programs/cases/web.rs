//! What web servers and proxies have in common: reloads that nobody who asks for a page may notice.

use std::io;
use std::time::Duration;

use sidecar_testkit::kubelet::{Payload, Volume};
use sidecar_testkit::wait;

use crate::support::{DEADLINE, Disposition, Held, Pod, Row, Sidecar, Stream, change, http};

/// The port that every configuration has.
pub(crate) const STEADY_PORT: u16 = 8080;
/// How many configurations there are, the first among them.
pub(crate) const CONFIGURATIONS: u16 = 11;
const CLIENTS: usize = 2;
/// How long to wait for a program to be busy with its reload.
const BUSY: Duration = Duration::from_millis(300);

/// A server that answers every request with the number of its configuration.
pub(crate) struct Web {
    pub(crate) pod: Pod,
    pub(crate) volume: Volume,
    /// Configuration number so-and-so: it listens at the steady port and at the one of that number, and hands
    /// `/held` on to the backend.
    pub(crate) payload: fn(&Pod, u16) -> Payload,
    pub(crate) version: String,
    pub(crate) process_name: &'static str,
    pub(crate) settings: &'static [(&'static str, &'static str)],
}

/// The port that only configuration `number` has.
pub(crate) fn port(number: u16) -> u16 {
    STEADY_PORT + number
}

impl Web {
    /// Changes the configuration several times, while clients ask for pages and one request is in progress.
    #[track_caller]
    pub(crate) fn reload(&self) {
        let sidecar = self.start_sidecar();
        let last = port(CONFIGURATIONS);
        let before = page(last).unwrap_err().kind();
        let stream = Stream::start(CLIENTS, || page(STEADY_PORT).map(drop));
        let held = Held::begin(STEADY_PORT);
        let took = (2..=CONFIGURATIONS).map(|number| {
            wait::until(DEADLINE, "the program to handle the signal", || {
                (sidecar.disposition(&self.pod) == Disposition::Caught).then_some(())
            });
            self.change_to(number)
        });
        let took = took.collect();
        held.finish();
        let traffic = stream.finish().expect_none_dropped();
        let after = page(last).unwrap();
        let changed =
            format!("port {STEADY_PORT}: page 1 → {CONFIGURATIONS}; port {last}: {before} → page {after}");
        Row::new(&self.version, &sidecar, took, changed)
            .survived("a response in progress")
            .traffic(traffic)
            .add();
    }

    /// Changes it again while the program is so busy with the last change that it does not handle the signal.
    #[track_caller]
    pub(crate) fn reload_twice(&self) {
        let sidecar = self.start_sidecar();
        for number in 2..=CONFIGURATIONS {
            self.change_to(number);
            // Whether the moment was met makes no difference to what must come of the next change.
            wait::try_until(BUSY, || (sidecar.disposition(&self.pod) != Disposition::Caught).then_some(()));
        }
    }

    /// Starts it when the program answers.
    #[track_caller]
    fn start_sidecar(&self) -> Sidecar {
        wait_for_page(1);
        Sidecar::start(&self.pod, &[self.volume.path()], self.process_name, self.settings)
    }

    /// Gives how long it took until the new configuration was in effect.
    #[track_caller]
    fn change_to(&self, number: u16) -> Duration {
        change(&self.volume, &(self.payload)(&self.pod, number), || wait_for_page(number))
    }
}

/// Waits for configuration `number`. An old worker may take one more request after that.
#[track_caller]
fn wait_for_page(number: u16) {
    for port in [port(number), STEADY_PORT] {
        wait::until(DEADLINE, &format!("page {number} at port {port}"), || {
            page(port).ok().filter(|page| *page == number)
        });
    }
}

/// A page, which must be a number.
fn page(port: u16) -> io::Result<u16> {
    let page = http::get(port, "/")?;
    page.parse().map_err(|_| io::Error::other(format!("another page: {page:?}")))
}
