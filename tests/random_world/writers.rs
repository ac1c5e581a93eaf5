//! What writers of every kind do to a path.

use crate::random::{Random, gap};
use crate::world::{Act, Burst, Kind, Millis, Name, Settings, Step, Version};

/// One writer's, or reader's, steps on a path; one that is harmless changes nothing.
pub(crate) fn writer(
    random: &mut Random,
    settings: Settings,
    paths: &[Kind],
    path: usize,
    harmless: bool,
) -> Burst {
    let mut writer = Writer { random, settings, steps: Burst::new(), path };
    // A path that overlaps another is another name for it, or has its own links.
    let kind = match paths[path] {
        Kind::Alias(base) => paths[base],
        kind => kind,
    };
    // Nobody but the kubelet writes what is in a volume: another directory's links to it are only replaced.
    let leads_into_volume =
        matches!(kind, Kind::Enabled(base) | Kind::Below(base) if paths[base] == Kind::Volume);
    let is_covered = paths.iter().any(|other| matches!(other, Kind::Above(_)));
    let mounts = settings.mounts && writer.random.percent(40);
    match (harmless, kind) {
        (true, _) if leads_into_volume => writer.add(Act::Read),
        (true, _) => writer.harmless(kind),
        (_, Kind::Below(_)) if leads_into_volume => writer.add(Act::Read),
        _ if leads_into_volume => writer.link(),
        (_, Kind::Plain | Kind::Tree | Kind::Volume | Kind::File | Kind::LinkDir) if mounts => {
            writer.mounts(kind);
        }
        (_, Kind::Volume) => writer.kubelet(is_covered),
        (_, Kind::GitSync) => writer.redirect(),
        (_, Kind::Plain) => writer.directory(&["a.conf", "b.conf", "c.conf"]),
        (_, Kind::Tree) => writer.tree(),
        (_, Kind::File) => writer.directory(&["a.conf"]),
        (_, Kind::LinkDir) if writer.random.percent(40) => writer.redirect(),
        (_, Kind::LinkDir) => writer.directory(&["a.conf", "b.conf"]),
        (_, Kind::Below(_)) => writer.file("d.conf"),
        (_, Kind::Above(_)) => writer.file("x.conf"),
        (_, Kind::One(base)) if paths[base] == Kind::Volume => writer.add(Act::Read),
        (_, Kind::Enabled(_) | Kind::Alias(_) | Kind::One(_)) => writer.file("a.conf"),
    }
    writer.steps
}

struct Writer<'a> {
    random: &'a mut Random,
    settings: Settings,
    steps: Burst,
    path: usize,
}

impl Writer<'_> {
    fn add(&mut self, act: Act) {
        let gap = gap(self.random, self.settings);
        self.add_after(gap, act);
    }

    fn add_after(&mut self, gap: Millis, act: Act) {
        self.steps.push(Step { gap, path: self.path, act });
    }

    /// Few, so that content often returns to what it was.
    fn version(&mut self) -> Version {
        self.random.pick(&[0, 0, 1, 1, 2, 3, 4])
    }

    /// Up to one and a half quiet periods.
    fn pause(&mut self) -> Millis {
        20 + self.random.below(self.settings.quiet * 3 / 2)
    }

    fn harmless(&mut self, kind: Kind) {
        let name = match kind {
            Kind::Below(_) => "d.conf",
            Kind::Above(_) => "x.conf",
            _ => "a.conf",
        };
        for _ in 0..=self.random.below(3) {
            let act = match self.random.below(6) {
                0 => Act::Read,
                1 => Act::Touch(name),
                2 => Act::Blink(name, self.random.below(self.settings.quiet / 3)),
                3 => Act::Sync,
                // A file of a volume is nobody's but the kubelet's.
                4 if !matches!(kind, Kind::Volume | Kind::Below(_) | Kind::One(_)) => Act::Same(name),
                _ => Act::InPlace(self.random.pick(&["x.bak", "token"]), 0),
            };
            self.add(act);
        }
    }

    fn directory(&mut self, names: &[Name]) {
        match self.random.below(100) {
            0..4 => {
                let act = Act::Replace(self.version());
                self.add(act);
            }
            4..12 => self.vanish(Act::Vanish, Act::Return),
            12..30 if self.settings.user => {
                let act = Act::Blind(self.version(), self.pause());
                self.add(act);
            }
            30..38 => {
                let act = Act::InPlace(self.random.pick(&["x.bak", "token"]), self.version());
                self.add(act);
            }
            _ => {
                for _ in 0..=self.random.below(3) {
                    let name = self.random.pick(names);
                    self.file(name);
                }
            }
        }
    }

    fn tree(&mut self) {
        match self.random.below(100) {
            0..20 => self.redirect(),
            20..35 => self.vanish(Act::VanishSub, Act::ReturnSub),
            _ => self.directory(&["a.conf", "b.conf", "sub/d.conf", "sub/d.conf", "site/a.conf"]),
        }
    }

    fn file(&mut self, name: Name) {
        let version = self.version();
        match self.random.below(10) {
            0..2 => self.add(Act::Rename(name, version)),
            2 => self.add(Act::RenameBeside(name, version)),
            3..5 => self.add(Act::InPlace(name, version)),
            5..7 => self.slow(name, version),
            7 => self.truncating(name, version),
            8 => self.add(Act::Remove(name)),
            _ => self.add(Act::Same(name)),
        }
    }

    /// Makes a file of a link to one.
    fn link(&mut self) {
        let act = Act::Rename("a.conf", self.version());
        self.add(act);
    }

    /// Writes in pieces, and keeps the file open between them.
    fn slow(&mut self, name: Name, version: Version) {
        let truncate = self.random.percent(50);
        self.add(Act::Open(name, truncate));
        for _ in 0..=self.random.below(3) {
            let pause = self.pause();
            self.add_after(pause, Act::Piece(name, version));
        }
        let pause = self.pause();
        self.add_after(pause, Act::Close(name));
    }

    /// `generator > file`: empty until the generator is through.
    fn truncating(&mut self, name: Name, version: Version) {
        self.add(Act::Open(name, true));
        let pause = self.settings.quiet + self.pause();
        self.add_after(pause, Act::Piece(name, version));
        self.add_after(0, Act::Close(name));
    }

    /// Removal, and mostly a return: soon, or in a later burst.
    fn vanish(&mut self, gone: Act, back: fn(Version) -> Act) {
        let version = self.version();
        match self.random.below(4) {
            0 => self.add(gone),
            1 => self.add(back(version)),
            _ => {
                self.add(gone);
                self.add(back(version));
            }
        }
    }

    fn mounts(&mut self, kind: Kind) {
        let version = self.version();
        let act = match self.random.below(10) {
            0..3 => Act::Unmount,
            3..8 if matches!(kind, Kind::Tree | Kind::Volume) => Act::MountBelow(version),
            _ => Act::MountOver(version),
        };
        self.add(act);
    }

    fn redirect(&mut self) {
        let version = self.version();
        self.add(Act::Redirect(version));
    }

    fn kubelet(&mut self, is_covered: bool) {
        // With `a.conf` always, so that a volume is never empty by chance alone.
        let keys = 1 | u8::try_from(self.random.below(32)).unwrap_or(0);
        let version = self.version();
        let act = match self.random.below(100) {
            0..10 => Act::Sync,
            _ if self.settings.fs_group && self.random.percent(40) => {
                Act::LateGroup(keys, version, self.pause())
            }
            10..25 => Act::InPlace("run/s.conf", version),
            25..50 => {
                // A tree that the volume lies in is plain; half of an update may settle there.
                let pause = if is_covered { self.settings.quiet / 4 } else { self.pause() };
                let step = self.random.pick(&[0, 1, 2, 3]);
                Act::SlowPublish(keys, version, step, pause)
            }
            _ => Act::Publish(keys, version),
        };
        self.add(act);
    }
}
