//! What differs between two snapshots.

use super::*;

/// A snapshot of these names, each with this content.
fn made_up(all: impl IntoIterator<Item = (String, u8)>) -> Snapshot {
    let entry = |content| Entry::new(Kind::File, Some(Digest::for_tests(content)));
    let entries = all.into_iter().map(|(name, content)| (name.into(), entry(content))).collect();
    Snapshot { entries, ..Snapshot::default() }
}

fn of(all: &[(&str, u8)]) -> Snapshot {
    made_up(all.iter().map(|(name, content)| ((*name).to_owned(), *content)))
}

fn numbered(count: usize) -> impl Iterator<Item = (String, u8)> {
    (0..count).map(|number| (format!("n{number:04}"), 1))
}

#[test]
fn changes_are_named_and_the_many_are_counted() {
    let before = of(&[("a", 1), ("b", 1), ("same", 1)]);
    let after = [("a", 2), ("same", 1), ("n0", 1), ("n1", 1), ("n2", 1), ("n3", 1), ("n4", 1), ("n5", 1)];
    let changes = Changes::between(&before, &of(&after));
    assert_eq!(changes.to_string(), "~a +n0 +n1 +n2 +n3 and 3 more");
    let names: Vec<&Path> = changes.names().collect();
    assert_eq!(names, ["a", "n0", "n1", "n2", "n3", "n4", "n5", "b"].map(Path::new));
    let nothing = Changes::between(&before, &before);
    assert_eq!((nothing.to_string(), nothing.names().count()), (String::new(), 0));
    assert_eq!(Changes::between(&of(&[("b", 1)]), &of(&[])).to_string(), "-b");
}

#[test]
fn a_new_kind_is_a_change_and_a_new_stat_is_not() {
    let (before, mut after) = (of(&[("a", 1)]), of(&[("a", 1)]));
    let (_guard, dir) = directory();
    let entry = after.entries.get_mut(Path::new("a")).unwrap();
    (entry.stat, entry.is_past) = (Some(Stat::of(&fs::metadata(dir).unwrap())), true);
    assert_eq!(Changes::between(&before, &after), Changes::default());
    after.entries.get_mut(Path::new("a")).unwrap().kind = Kind::Dangling;
    assert_eq!(Changes::between(&before, &after).to_string(), "~a");
}

#[test]
fn five_names_are_shown_and_all_are_counted() {
    let changes = Changes::between(&of(&[]), &made_up(numbered(1007)));
    assert_eq!(changes.names().count(), 1007);
    assert_eq!(changes.to_string(), "+n0000 +n0001 +n0002 +n0003 +n0004 and 1002 more");
}

#[test]
fn additions_are_told_from_other_changes() {
    let before = of(&[("a", 1), ("b", 1)]);
    for (after, expected) in [
        (&[("a", 1), ("b", 1), ("c", 1)][..], true),
        (&[("a", 1), ("b", 2), ("c", 1)], false),
        (&[("a", 1), ("c", 1)], false),
    ] {
        assert_eq!(Changes::between(&before, &of(after)).are_additions(), expected, "{after:?}");
    }
}

#[test]
fn a_removal_among_very_many_additions_is_seen() {
    let changes = Changes::between(&of(&[("a", 1)]), &made_up(numbered(1000)));
    assert!(!changes.are_additions());
}

#[test]
fn the_empty_name_is_the_watched_path_itself() {
    assert_eq!(Changes::between(&of(&[("", 1)]), &of(&[("", 2)])).to_string(), "~.");
}
