//! Whether a directory's own time tells something, by the names that came and went.

use super::*;
use sidecar_testkit::wait;

fn times_apart(one: &Path, other: &Path) -> Duration {
    let changed = |path: &Path| changed_at(&fs::symlink_metadata(path).unwrap()).unwrap();
    changed(one).duration_since(changed(other)).unwrap_or_default()
}

/// Waits until what happens next in this directory is no longer of the same moment as what happened last to it or in it.
fn next_moment(directory: &Path) {
    let probe = directory.with_extension("probe");
    let inside = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<PathBuf> = inside.chain([directory.to_owned()]).collect();
    wait::until(Duration::from_secs(10), "the next moment of the file system's clock", || {
        fs::write(&probe, "").unwrap();
        all.iter().all(|path| times_apart(&probe, path) > SAME_MOMENT * 2).then_some(())
    });
}

fn is_aged_by_ignored(directory: &Path) -> bool {
    let visits = walk(directory, false, &["token*"]);
    let Entered::Yes(listing) = &visits[0].entered else { panic!("{visits:?}") };
    listing.is_aged_by_ignored
}

#[test]
fn the_name_that_came_last_ages_its_directory() {
    let (_guard, root) = directory();
    let path = |name: &str| root.join(name);
    let counted = |what: &str| {
        assert!(!is_aged_by_ignored(&root), "{what}");
        next_moment(&root);
    };
    let ignored = |what: &str| {
        assert!(is_aged_by_ignored(&root), "{what}");
        next_moment(&root);
    };
    fs::write(path("a"), "").unwrap();
    counted("no name is ignored");
    fs::write(path("token"), "").unwrap();
    ignored("an ignored name came");
    fs::write(path("b"), "").unwrap();
    counted("another came");
    fs::write(path("token"), "2").unwrap();
    counted("an ignored file was written, and no name came");
    fs::remove_file(path("b")).unwrap();
    counted("another went");
    fs::rename(path("token"), path("token2")).unwrap();
    ignored("an ignored name became another");
    fs::create_dir(path("..note")).unwrap();
    counted("the kubelet's names are not ignored ones");
    fs::rename(path("a"), path("c")).unwrap();
    counted("a counted name became another");
}

/// What changed within one tick cannot be told apart.
#[test]
fn only_a_moment_makes_two_times_the_same() {
    let (_guard, root) = directory();
    fs::write(root.join("token"), "").unwrap();
    next_moment(&root);
    fs::write(root.join("a"), "").unwrap();
    assert!(times_apart(&root, &root.join("token")) > SAME_MOMENT);
    assert!(!is_aged_by_ignored(&root));
}
