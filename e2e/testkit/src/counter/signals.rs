//! Signal handling, down at the system calls: `nix` knows no real-time signals, and the queues of
//! `signal-hook` drop what comes too fast. The only module of this crate with `unsafe` code.
#![allow(unsafe_code)]

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::mem;
use std::ptr;
use std::sync::OnceLock;
use std::thread;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::clock::{self, Nanos};

/// A signal that the kernel has delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caught {
    pub(super) ns: Nanos,
    pub(super) signal: i32,
    pub(super) sender: i32,
}

/// What a process does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
    Default,
    Ignore,
    Catch,
}

/// Where the handler puts what it catches. A pipe holds thousands; a handler that finds it full
/// waits for the reader, which is another thread.
static CAUGHT: OnceLock<PipeWriter> = OnceLock::new();

/// Those that tell of a fault of the program itself: the runtime needs them.
const FAULTS: [Signal; 4] = [Signal::SIGSEGV, Signal::SIGBUS, Signal::SIGFPE, Signal::SIGILL];

/// The numbers of all signals that a counter may catch. SIGCHLD is not among them in a process
/// `with_children`, whose end is nobody's reload.
pub(super) fn catchable(with_children: bool) -> Vec<i32> {
    let refused = [libc::SIGKILL, libc::SIGSTOP];
    let is_fault = |number: i32| FAULTS.iter().any(|&fault| fault as i32 == number);
    (1..=libc::SIGSYS)
        .filter(|&number| !refused.contains(&number) && !is_fault(number))
        .filter(|&number| number != libc::SIGCHLD || !with_children)
        .chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
        .collect()
}

/// Gives all these signals the same disposition.
pub(super) fn set_all(numbers: &[i32], disposition: Disposition) -> io::Result<()> {
    for &number in numbers {
        // SAFETY: all-zero is a valid sigaction.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO;
        action.sa_sigaction = match disposition {
            Disposition::Default => libc::SIG_DFL,
            Disposition::Ignore => libc::SIG_IGN,
            Disposition::Catch => on_signal as *const () as usize,
        };
        // SAFETY: both pointers are to live values of the right types, and `on_signal` does only
        // what a handler may do.
        let result = unsafe {
            libc::sigfillset(&raw mut action.sa_mask);
            libc::sigaction(number, &raw const action, ptr::null_mut())
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Does only what is safe in a handler: reads a clock, and writes to a pipe.
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let ns = clock::now();
    // SAFETY: the kernel gives a valid siginfo to a handler with SA_SIGINFO.
    let info = unsafe { &*info };
    let is_sent = [libc::SI_USER, libc::SI_QUEUE, libc::SI_TKILL].contains(&info.si_code);
    // SAFETY: for these codes the field is filled; else 0 stands for the kernel.
    let sender = if is_sent { unsafe { info.si_pid() } } else { 0 };
    if let Some(mut pipe) = CAUGHT.get() {
        // The only failure is that the reader is gone, and then the process is about to end.
        let _ = pipe.write(&Caught { ns, signal, sender }.to_bytes());
    }
}

impl Caught {
    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.ns.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.signal.to_ne_bytes());
        bytes[12..].copy_from_slice(&self.sender.to_ne_bytes());
        bytes
    }

    fn read(pipe: &mut PipeReader) -> io::Result<Caught> {
        let (mut ns, mut signal, mut sender) = ([0; 8], [0; 4], [0; 4]);
        pipe.read_exact(&mut ns)?;
        pipe.read_exact(&mut signal)?;
        pipe.read_exact(&mut sender)?;
        Ok(Caught {
            ns: Nanos::from_ne_bytes(ns),
            signal: i32::from_ne_bytes(signal),
            sender: i32::from_ne_bytes(sender),
        })
    }
}

/// Prepares the handler, and gives what takes out what it caught; `None` at a second call.
pub(super) fn from_handler() -> io::Result<Option<impl FnMut() -> io::Result<Caught> + Send>> {
    let (mut reader, writer) = io::pipe()?;
    let is_first = CAUGHT.set(writer).is_ok();
    Ok(is_first.then_some(move || Caught::read(&mut reader)))
}

/// Blocks these signals and no others in this thread, and gives what reads them instead.
pub(super) fn from_signalfd(
    numbers: &[i32],
) -> io::Result<impl FnMut() -> io::Result<Caught> + Send + use<>> {
    let set = set_of(numbers);
    set.thread_set_mask()?;
    let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC)?;
    Ok(move || {
        let info = fd.read_signal()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (signal, sender) = (info.ssi_signo.cast_signed(), info.ssi_pid.cast_signed());
        Ok(Caught { ns: clock::now(), signal, sender })
    })
}

fn set_of(numbers: &[i32]) -> SigSet {
    // SAFETY: all-zero is a valid set, it is given to functions that want one, and is initialised.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &number in numbers {
            libc::sigaddset(&raw mut set, number);
        }
        SigSet::from_sigset_t_unchecked(set)
    }
}

/// Blocks all signals in this thread; gives the mask for [`restore`].
pub(super) fn block_all() -> io::Result<SigSet> {
    Ok(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?)
}

pub(super) fn restore(mask: &SigSet) -> io::Result<()> {
    Ok(mask.thread_set_mask()?)
}

pub(super) fn unblock_all() -> io::Result<()> {
    restore(&SigSet::empty())
}

/// Starts a thread that no signal ever goes to.
pub(super) fn spawn_blocked(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let previous = block_all()?;
    let spawned = thread::Builder::new().spawn(body);
    restore(&previous)?;
    spawned.map(drop)
}

/// Sends a signal of any number, real-time ones too, to exactly one process.
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    if pid <= 0 {
        return Err(io::ErrorKind::InvalidInput.into()); // a process group, or everything
    }
    // SAFETY: no memory is involved.
    match unsafe { libc::kill(pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
