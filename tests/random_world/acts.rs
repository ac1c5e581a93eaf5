//! Does the acts, with real files.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use sidecar_testkit::kubelet::Volume;

use crate::files::{collect, in_place, read_all, real, rename_beside, same, touch};
use crate::mounts;
use crate::observed::Effect;
use crate::stage::{GROUP_ONLY, OTHER_USER, Slow, Stage, fill, make_sub, payload};
use crate::world::{Act, Keys, Kind, Millis, Name, Version, text};

/// Waits so many milliseconds; what is there meanwhile is looked at.
type Pause<'a> = &'a mut dyn FnMut(&Stage, Millis);

impl Act {
    /// What the oracle expects of it.
    pub(crate) fn effect(self) -> Effect {
        match self {
            Self::Publish(..) | Self::SlowPublish(..) | Self::LateGroup(..) => Effect::Swap,
            Self::MountOver(_) | Self::MountBelow(_) | Self::Unmount => Effect::Unseen,
            Self::Close(_) => Effect::Close,
            Self::Redirect(_) | Self::Replace(_) | Self::Return(_) | Self::ReturnSub(_) => Effect::Moved,
            _ => Effect::Ordinary,
        }
    }
}

impl Stage {
    /// Does it. Where it is impossible, as a write to a directory that is gone, it does nothing or a part: what
    /// there is then is looked at, whatever it is.
    ///
    /// `pause` is called where a writer pauses in the middle of an act.
    pub(crate) fn act(&mut self, path: usize, act: Act, pause: Pause) -> io::Result<()> {
        let dir = self.places[path].dir.clone();
        self.refuse_if_open(&dir, act)?;
        match act {
            Act::Rename(name, version) => self.rename(&dir.join(name), &text(name, version)),
            Act::RenameBeside(name, version) => rename_beside(&dir.join(name), &text(name, version)),
            Act::InPlace(name, version) => in_place(&dir.join(name), &text(name, version)),
            Act::Open(name, truncate) => self.open(&dir.join(name), truncate),
            Act::Piece(name, version) => self.piece(&dir.join(name), name, version),
            Act::Close(name) => self.close(&dir.join(name)),
            Act::Same(name) => same(&dir.join(name)),
            Act::Remove(name) => fs::remove_file(dir.join(name)),
            Act::Touch(name) => touch(&dir.join(name)),
            // Nobody but the kubelet hides a file in a world that is about that.
            Act::Blink(..) | Act::Blind(..) if self.settings.fs_group => Err(ErrorKind::Unsupported.into()),
            // A file that is new and unreadable is another one to the sidecar, whatever is in it.
            Act::Blink(name, _) if self.settings.user && self.is_new(&dir.join(name)) => {
                Err(io::Error::other("just written"))
            }
            Act::Blink(name, time) => self.blink(&dir.join(name), time, pause),
            Act::Blind(version, time) => self.blind(&dir, version, time, pause),
            Act::Read => read_all(&dir, 8),
            Act::Vanish => fs::remove_dir_all(&dir),
            Act::Return(version) => fill(&dir, version),
            Act::Replace(version) => self.replace(&dir, version),
            Act::VanishSub => fs::remove_dir_all(dir.join("sub")),
            Act::ReturnSub(version) => make_sub(&dir, version),
            Act::Redirect(version) => self.redirect(path, version),
            Act::Publish(keys, version) => self.publish(path, keys, version, None, pause),
            Act::SlowPublish(keys, version, step, time) => {
                self.publish(path, keys, version, Some((step, time)), pause)
            }
            Act::LateGroup(keys, version, time) => self.publish_then_group(path, keys, version, time, pause),
            Act::Sync => self.sync(path),
            Act::MountOver(version) if self.places[path].kind == Kind::File => {
                let over = self.fresh("over");
                fs::write(&over, text("a.conf", version))?;
                self.mount(&over, &dir.join("a.conf"))
            }
            Act::MountOver(version) => self.mount_directory(&dir, version),
            Act::MountBelow(version) => {
                let name = if self.places[path].kind == Kind::Volume { "run" } else { "sub" };
                self.mount_directory(&dir.join(name), version)
            }
            Act::Unmount => self.unmount(),
        }
    }

    /// While a slow writer has a file open, nobody else writes it, and its directory stays: what is half written
    /// and what is finished could not be told apart.
    fn refuse_if_open(&self, dir: &Path, act: Act) -> io::Result<()> {
        let is_open = match act {
            Act::Rename(name, _)
            | Act::RenameBeside(name, _)
            | Act::InPlace(name, _)
            | Act::Open(name, _)
            | Act::Same(name)
            | Act::Remove(name) => self.slow.contains_key(&real(&dir.join(name))),
            Act::Blind(..) => self.slow.contains_key(&real(&dir.join("a.conf"))),
            Act::Vanish
            | Act::Replace(_)
            | Act::VanishSub
            | Act::Redirect(_)
            | Act::MountOver(_)
            | Act::MountBelow(_) => !self.slow.is_empty(),
            _ => false,
        };
        if is_open { Err(io::Error::other("open for writing")) } else { Ok(()) }
    }

    /// Onto another mount nothing can be renamed; the temporary file is beside then.
    fn rename(&mut self, to: &Path, text: &str) -> io::Result<()> {
        let new = self.fresh("file");
        fs::write(&new, text)?;
        fs::rename(new, to).or_else(|error| match error.kind() {
            ErrorKind::CrossesDevices => rename_beside(to, text),
            _ => Err(error),
        })
    }

    fn open(&mut self, path: &Path, truncate: bool) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create(true).truncate(truncate).open(path)?;
        self.slow.insert(real(path), Slow { file, written: 0, shows: false });
        Ok(())
    }

    fn piece(&mut self, path: &Path, name: Name, version: Version) -> io::Result<()> {
        let slow = self.slow.get_mut(&real(path)).ok_or(ErrorKind::NotFound)?;
        let piece = format!("{name} {version} piece\n");
        slow.written += piece.len() as u64;
        slow.file.write_all(piece.as_bytes())
    }

    /// What the file has after the last piece is cut off.
    pub(crate) fn close(&mut self, path: &Path) -> io::Result<()> {
        let slow = self.slow.remove(&real(path)).ok_or(ErrorKind::NotFound)?;
        let has_more = slow.file.metadata()?.len() > slow.written;
        if has_more && slow.written > 0 { slow.file.set_len(slow.written) } else { Ok(()) }
    }

    fn redirect(&mut self, path: usize, version: Version) -> io::Result<()> {
        let home = self.home_of(path);
        let place = &self.places[path];
        let (link, beside) = match place.kind {
            Kind::Tree => (place.dir.join("site"), home),
            Kind::GitSync => (place.watched.clone(), home.join(".worktrees")),
            _ => (place.watched.clone(), home),
        };
        let old = fs::canonicalize(&link);
        let new = self.checkout(&beside, version)?;
        let temporary = self.fresh("link");
        symlink(new, &temporary)?;
        // Inside another mount there is no way but to remove it first.
        if fs::rename(&temporary, &link).is_err() {
            fs::remove_file(&link)?;
            symlink(fs::read_link(temporary)?, &link)?;
        }
        old.and_then(fs::remove_dir_all)
    }

    fn replace(&mut self, dir: &Path, version: Version) -> io::Result<()> {
        let (new, old) = (self.fresh("dir"), self.fresh("dir"));
        fill(&new, version)?;
        fs::rename(dir, old)?;
        fs::rename(new, dir)
    }

    fn publish(
        &self,
        path: usize,
        keys: Keys,
        version: Version,
        slow: Option<(usize, Millis)>,
        pause: Pause,
    ) -> io::Result<()> {
        self.data(path)?;
        let mut number = 0;
        let hook = |_| {
            if let Some((step, time)) = slow
                && step == number
            {
                pause(self, time);
            }
            number += 1;
            ControlFlow::Continue(())
        };
        self.volume(path)?.write_with(&payload(keys, version), hook).map(drop)
    }

    fn publish_then_group(
        &self,
        path: usize,
        keys: Keys,
        version: Version,
        time: Millis,
        pause: Pause,
    ) -> io::Result<()> {
        let data = self.data(path)?;
        Volume::open(&self.places[path].dir)?.mode(GROUP_ONLY).write(&payload(keys, version))?;
        pause(self, time);
        let mut there = payload(0, 0);
        collect(&data, "", &mut there)?;
        there.keys().try_for_each(|key| chown(data.join(key), None, Some(OTHER_USER)))
    }

    /// Fails where no volume is, as below another mount.
    fn data(&self, path: usize) -> io::Result<PathBuf> {
        let data = self.places[path].dir.join("..data");
        fs::read_link(&data).map(|_| data)
    }

    fn blink(&self, path: &Path, time: Millis, pause: Pause) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        pause(self, time);
        fs::set_permissions(path, Permissions::from_mode(0o644))
    }

    fn blind(&self, dir: &Path, version: Version, time: Millis, pause: Pause) -> io::Result<()> {
        fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        fs::write(dir.join("a.conf"), text("a.conf", version))?;
        pause(self, time);
        fs::set_permissions(dir, Permissions::from_mode(0o755))
    }

    fn sync(&self, path: usize) -> io::Result<()> {
        let data = self.data(path)?;
        let mut there = payload(0, 0);
        collect(&data, "", &mut there)?;
        self.volume(path)?.write(&there).map(drop)
    }

    fn mount_directory(&mut self, on: &Path, version: Version) -> io::Result<()> {
        let over = self.fresh("over");
        fill(&over, version)?;
        self.mount(&over, on)
    }

    fn mount(&mut self, over: &Path, on: &Path) -> io::Result<()> {
        // Without links, because they may lead elsewhere when it is unmounted.
        let on = fs::canonicalize(on)?;
        mounts::bind(over, &on)?;
        self.mounted.push(on);
        Ok(())
    }

    pub(crate) fn unmount(&mut self) -> io::Result<()> {
        self.mounted.last().ok_or(ErrorKind::NotFound.into()).and_then(|on| mounts::unmount(on))?;
        self.mounted.pop();
        Ok(())
    }
}
