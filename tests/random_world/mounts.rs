//! A mount namespace of the world's own.

use std::io;
use std::path::Path;

use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};

/// Puts this thread, and what it starts from now on, in a mount namespace of its own.
pub(crate) fn isolate() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // What is mounted here must not appear outside.
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(mount(None::<&Path>, "/", None::<&Path>, flags, None::<&Path>)?)
}

pub(crate) fn bind(what: &Path, on: &Path) -> io::Result<()> {
    Ok(mount(Some(what), on, None::<&Path>, MsFlags::MS_BIND, None::<&Path>)?)
}

pub(crate) fn unmount(on: &Path) -> io::Result<()> {
    Ok(umount(on)?)
}
