//! Kept worlds: one for each kind of fault that a random world has found.

use crate::run::run;
use crate::support::is_root;
use crate::world::Act::{
    Blind, Blink, Close, InPlace, LateGroup, MountBelow, MountOver, Open, Piece, Publish, Redirect, Remove,
    Rename, Replace, Return, SlowPublish, Unmount, Vanish,
};
use crate::world::Kind::{Above, Alias, Below, Enabled, File, GitSync, LinkDir, One, Plain, Tree, Volume};
use crate::world::{Kind, Settings, Step, World};

/// Each world is a test.
macro_rules! kept {
    ($($name:ident: $world:expr;)*) => {$(
        #[test]
        fn $name() {
            expect_kept(&$world);
        }
    )*};
}

const PLAIN: Settings = Settings {
    quiet: 300,
    max_wait: 8000,
    resync: 0,
    recursive: false,
    ignore: false,
    user: false,
    fs_group: false,
    links_first: false,
    mounts: false,
};
const RECURSIVE: Settings = Settings { recursive: true, ..PLAIN };
const RESYNC: Settings = Settings { resync: 700, ..PLAIN };
const MOUNTS: Settings = Settings { resync: 900, mounts: true, ..PLAIN };
const USER: Settings = Settings { user: true, ..PLAIN };

/// A world of one burst.
fn world(settings: Settings, paths: &[Kind], burst: &[Step]) -> World {
    World { settings, paths: paths.to_vec(), bursts: vec![burst.to_vec()] }
}

#[track_caller]
fn expect_kept(world: &World) {
    if !is_root() && (world.settings.mounts || world.settings.user) {
        eprintln!("left out, because it needs root");
        return;
    }
    if let Err(failure) = run(world) {
        panic!("{failure}");
    }
}

kept! {
    // Whether both are seen at once is luck, so there are several edits.
    an_edit_seen_through_two_paths: World {
        settings: PLAIN,
        paths: vec![Plain, Alias(0)],
        bursts: (1..6).map(|edit| vec![Step { gap: 0, path: 0, act: InPlace("a.conf", edit) }]).collect(),
    };
    an_edit_seen_through_a_link_of_another_directory: world(RESYNC, &[Plain, Enabled(0)], &[
        Step { gap: 0, path: 0, act: InPlace("a.conf", 1) },
    ]);
    a_checkout_seen_through_links: world(RESYNC, &[GitSync, Enabled(0), Above(0)], &[
        Step { gap: 0, path: 0, act: Redirect(1) },
    ]);
    a_deploy_to_two_directories: world(PLAIN, &[Plain, LinkDir, File], &[
        Step { gap: 0, path: 0, act: Rename("a.conf", 1) },
        Step { gap: 80, path: 1, act: InPlace("a.conf", 1) },
        Step { gap: 80, path: 2, act: Rename("a.conf", 1) },
    ]);
    a_deploy_to_a_directory_and_a_volume: world(PLAIN, &[Plain, Volume], &[
        Step { gap: 0, path: 0, act: Rename("a.conf", 1) },
        Step { gap: 80, path: 1, act: Publish(0b1111, 1) },
    ]);
    a_key_with_a_path_that_is_watched_twice: world(PLAIN, &[Volume, Below(0)], &[
        Step { gap: 0, path: 0, act: Publish(0b1011, 1) },
    ]);
    a_truncating_writer: world(PLAIN, &[Plain], &[
        Step { gap: 0, path: 0, act: Open("a.conf", true) },
        Step { gap: 600, path: 0, act: Piece("a.conf", 1) },
        Step { gap: 0, path: 0, act: Close("a.conf") },
    ]);
    a_slow_writer_of_a_single_file: world(PLAIN, &[File], &[
        Step { gap: 0, path: 0, act: Open("a.conf", false) },
        Step { gap: 0, path: 0, act: Piece("a.conf", 1) },
        Step { gap: 450, path: 0, act: Piece("a.conf", 1) },
        Step { gap: 450, path: 0, act: Close("a.conf") },
    ]);
    a_single_file_that_is_made_again_slowly: world(PLAIN, &[File], &[
        Step { gap: 0, path: 0, act: Remove("a.conf") },
        Step { gap: 0, path: 0, act: Open("a.conf", false) },
        Step { gap: 500, path: 0, act: Piece("a.conf", 4) },
    ]);
    a_file_that_is_watched_twice_and_opened_again_at_once: world(PLAIN, &[Plain, One(0)], &[
        Step { gap: 0, path: 0, act: Open("a.conf", true) },
        Step { gap: 100, path: 0, act: Piece("a.conf", 1) },
        Step { gap: 0, path: 0, act: Close("a.conf") },
        Step { gap: 0, path: 1, act: Open("a.conf", true) },
        Step { gap: 500, path: 1, act: Piece("a.conf", 2) },
        Step { gap: 0, path: 1, act: Close("a.conf") },
        Step { gap: 0, path: 0, act: Open("a.conf", true) },
        Step { gap: 600, path: 0, act: Piece("a.conf", 3) },
        Step { gap: 0, path: 0, act: Close("a.conf") },
    ]);
    a_slow_writer_beside_a_fast_one: world(RECURSIVE, &[Tree, Volume], &[
        Step { gap: 0, path: 0, act: Open("sub/d.conf", true) },
        Step { gap: 200, path: 1, act: Publish(0b1011, 1) },
        Step { gap: 300, path: 0, act: Piece("sub/d.conf", 1) },
        Step { gap: 0, path: 0, act: Close("sub/d.conf") },
    ]);
    a_slow_writer_of_a_directory_in_a_volume: world(RECURSIVE, &[Volume], &[
        Step { gap: 0, path: 0, act: Open("run/s.conf", true) },
        Step { gap: 200, path: 0, act: Piece("run/s.conf", 1) },
        Step { gap: 400, path: 0, act: Piece("run/s.conf", 1) },
        Step { gap: 0, path: 0, act: Close("run/s.conf") },
    ]);
    a_directory_in_a_volume_does_not_count_without_recursive: world(RESYNC, &[Volume], &[
        Step { gap: 0, path: 0, act: InPlace("run/s.conf", 1) },
    ]);
    a_slow_kubelet: world(PLAIN, &[Volume], &[
        Step { gap: 0, path: 0, act: SlowPublish(0b0101, 1, 1, 450) },
    ]);
    a_link_in_a_tree_that_is_led_elsewhere: World {
        settings: RECURSIVE,
        paths: vec![Tree],
        bursts: vec![
            vec![Step { gap: 0, path: 0, act: Redirect(1) }],
            vec![Step { gap: 0, path: 0, act: InPlace("site/a.conf", 2) }],
        ],
    };
    a_link_that_is_not_entered_and_led_elsewhere: world(PLAIN, &[Tree], &[
        Step { gap: 0, path: 0, act: Redirect(0) },
    ]);
    a_resync_that_is_shorter_than_the_quiet_period: world(Settings { resync: 200, ..PLAIN }, &[Plain], &[
        Step { gap: 0, path: 0, act: InPlace("a.conf", 1) },
    ]);
    a_directory_that_cannot_be_listed_for_a_moment: world(USER, &[Plain], &[
        Step { gap: 0, path: 0, act: Blind(1, 500) },
    ]);
    a_directory_that_cannot_be_listed_while_another_one_moves: world(USER, &[Plain, Enabled(0), Tree], &[
        Step { gap: 0, path: 1, act: Remove("a.conf") },
        Step { gap: 0, path: 2, act: Blind(2, 77) },
    ]);
    a_directory_that_returns_and_cannot_be_listed: World {
        settings: USER,
        paths: vec![Plain],
        bursts: vec![
            vec![
                Step { gap: 0, path: 0, act: Vanish },
                Step { gap: 20, path: 0, act: Return(4) },
                Step { gap: 0, path: 0, act: Blind(1, 298) },
            ],
            vec![Step { gap: 0, path: 0, act: InPlace("a.conf", 2) }],
        ],
    };
    a_file_that_cannot_be_read_for_a_moment: world(USER, &[Plain], &[
        Step { gap: 0, path: 0, act: InPlace("b.conf", 1) },
        Step { gap: 50, path: 0, act: Blink("a.conf", 450) },
    ]);
    a_directory_that_comes_back_with_its_files: World {
        settings: PLAIN,
        paths: vec![Plain, Above(0)],
        bursts: vec![
            vec![Step { gap: 0, path: 0, act: Vanish }],
            vec![Step { gap: 0, path: 0, act: Return(1) }],
        ],
    };
    a_directory_that_was_missing_at_a_reload_comes_back_with_its_files: World {
        settings: PLAIN,
        paths: vec![Plain, File],
        bursts: vec![
            vec![
                Step { gap: 0, path: 0, act: Vanish },
                Step { gap: 0, path: 1, act: InPlace("a.conf", 1) },
            ],
            vec![Step { gap: 0, path: 0, act: Return(0) }],
        ],
    };
    a_directory_that_another_one_replaces: World {
        settings: PLAIN,
        paths: vec![Plain, File],
        bursts: vec![
            vec![Step { gap: 0, path: 0, act: Replace(1) }],
            vec![Step { gap: 0, path: 0, act: InPlace("a.conf", 2) }],
            vec![Step { gap: 0, path: 1, act: Replace(1) }],
            vec![Step { gap: 0, path: 1, act: InPlace("a.conf", 2) }],
        ],
    };
    a_slow_writer_in_a_directory_that_was_mounted: World {
        settings: MOUNTS,
        paths: vec![Plain],
        bursts: vec![
            vec![Step { gap: 0, path: 0, act: MountOver(1) }],
            vec![
                Step { gap: 0, path: 0, act: Open("a.conf", true) },
                Step { gap: 1300, path: 0, act: Piece("a.conf", 1) },
            ],
        ],
    };
    a_group_that_is_set_after_the_swap: world(Settings { fs_group: true, ..USER }, &[Volume, Plain], &[
        Step { gap: 0, path: 0, act: LateGroup(0b1111, 1, 250) },
    ]);
    // The events of a file that was just made must not get lost while watches are renewed.
    a_new_file_in_a_volume_that_lost_a_key: World {
        settings: RECURSIVE,
        paths: vec![Volume, Alias(0)],
        bursts: vec![
            vec![Step { gap: 0, path: 0, act: Publish(0b0001, 1) }],
            vec![Step { gap: 0, path: 1, act: InPlace("token", 1) }],
        ],
    };
    // Whether a read comes in the middle is luck, so there are several updates.
    updates_that_add_and_remove_many_keys: World {
        settings: PLAIN,
        paths: vec![Volume],
        bursts: (1..7)
            .map(|update| {
                let keys = if update % 2 == 0 { 0b1_1111 } else { 0b0_0001 };
                vec![Step { gap: 0, path: 0, act: Publish(keys, update) }]
            })
            .collect(),
    };
    mounts_over_and_below: World {
        settings: Settings { recursive: true, ..MOUNTS },
        paths: vec![Tree, Volume],
        bursts: vec![
            vec![Step { gap: 0, path: 0, act: MountBelow(1) }, Step { gap: 50, path: 1, act: MountBelow(1) }],
            vec![Step { gap: 0, path: 0, act: InPlace("sub/d.conf", 2) }],
            vec![Step { gap: 0, path: 0, act: MountOver(3) }],
            vec![Step { gap: 0, path: 0, act: Unmount }],
        ],
    };
}
