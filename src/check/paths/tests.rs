use super::*;
use crate::check::problem::Severity;

/// A directory with nothing wrong.
pub(in crate::check) fn facts() -> PathFacts {
    PathFacts {
        path: "/etc/app".to_owned(),
        kind: Kind::Directory,
        kubelet_volume: None,
        sub_paths: Vec::new(),
        readable: true,
        unreadable: None,
        entries: Some(1),
        digest: Some("e3b0c44298fc".to_owned()),
        error: None,
    }
}

/// The only problem of these facts.
#[track_caller]
fn only(facts: &PathFacts) -> Problem {
    let mut problems = facts.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].subject, "/etc/app");
    problems.remove(0)
}

#[test]
fn nothing_is_wrong_with_what_is_there_and_can_be_read() {
    assert_eq!(facts().problems(), []);
    let volume = PathFacts { kubelet_volume: Some("/etc/app".to_owned()), ..facts() };
    assert_eq!(volume.problems(), []);
    let file = PathFacts { kind: Kind::File, ..facts() };
    assert_eq!(file.problems(), []);
}

#[test]
fn what_is_missing_is_to_be_mounted() {
    let error = SnapshotError::Missing("/etc/app".into()).to_string();
    let missing = PathFacts { kind: Kind::Missing, error: Some(error), entries: None, ..facts() };
    let problem = only(&missing);
    assert_eq!((problem.code, problem.severity), (Code::PathMissing, Severity::Wrong));
    assert_eq!(problem.what, "/etc/app does not exist");
    assert_eq!(problem.mend, "mount it, or correct CONFIG_DIR");
}

#[test]
fn what_cannot_be_read_is_named() {
    let path = PathBuf::from("/etc/app");
    let error = SnapshotError::Unreadable { path, source: io::ErrorKind::PermissionDenied.into() };
    let directory = PathFacts {
        readable: false,
        unreadable: Some("/etc/app".to_owned()),
        error: Some(error.to_string()),
        entries: None,
        ..facts()
    };
    let file = PathFacts { readable: false, unreadable: Some("/etc/app/key".to_owned()), ..facts() };
    for (facts, what) in [(directory, "cannot read /etc/app: "), (file, "cannot read /etc/app/key: ")] {
        let problem = only(&facts);
        assert_eq!((problem.code, problem.severity), (Code::PathUnreadable, Severity::Wrong));
        assert!(problem.what.starts_with(what), "{problem:?}");
        assert!(problem.mend.starts_with("let the sidecar r"), "{problem:?}");
    }
}

#[test]
fn an_empty_directory_is_wrong_and_an_empty_volume_a_warning() {
    let empty = PathFacts { entries: Some(0), ..facts() };
    assert_eq!((only(&empty).code, only(&empty).severity), (Code::PathEmpty, Severity::Wrong));
    let volume = PathFacts { kubelet_volume: Some("/etc/app".to_owned()), ..empty.clone() };
    assert_eq!((only(&volume).code, only(&volume).severity), (Code::PathEmpty, Severity::Warning));
    assert_eq!(PathFacts { kind: Kind::Special, ..empty }.problems(), []);
}

#[test]
fn each_sub_path_is_told_by_where_it_is_mounted() {
    let sub_path =
        |name: &str, outdated| SubPath { mounted_on: format!("/etc/app/{name}"), of_kubelet: true, outdated };
    let facts = PathFacts { sub_paths: vec![sub_path("a", false), sub_path("b", true)], ..facts() };
    let problems = facts.problems();
    let told: Vec<(Code, &str)> =
        problems.iter().map(|problem| (problem.code, problem.what.as_str())).collect();
    let never = "is a subPath mount, which the kubelet never updates";
    assert_eq!(
        told,
        [
            (Code::SubPath, &*format!("/etc/app/a {never}")),
            (Code::SubPath, &*format!("/etc/app/b {never}, and it is outdated already"))
        ]
    );
    assert!(problems[0].mend.starts_with("mount the whole volume"));
}

#[test]
fn a_file_mounted_by_itself_is_a_warning_until_it_is_outdated() {
    let mounted = |outdated| SubPath { mounted_on: "/etc/app/a".to_owned(), of_kubelet: false, outdated };
    for (outdated, severity) in [(false, Severity::Warning), (true, Severity::Wrong)] {
        let problem = only(&PathFacts { sub_paths: vec![mounted(outdated)], ..facts() });
        assert_eq!((problem.code, problem.severity), (Code::SingleFile, severity));
        assert!(problem.what.starts_with("/etc/app/a is a single file that is mounted"), "{problem:?}");
        assert_eq!(problem.what.ends_with("outdated already"), outdated, "{problem:?}");
        assert!(problem.mend.starts_with("mount the directory that holds the file"), "{problem:?}");
    }
}
