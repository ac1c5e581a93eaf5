use super::*;
use crate::scope::Scope;
use crate::settings::IgnoreGlobs;
use std::fs;
use std::os::unix::fs::symlink;

/// As git-sync deploys: a link that is led to another directory each time.
#[test]
fn watches_of_earlier_deployments_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (link, ignore) = (dir.path().join("current"), IgnoreGlobs::default());
    let places = || Places::of(std::slice::from_ref(&link), Scope { ignore: &ignore, recursive: false });
    let mut watcher = Watcher::new(Box::new(drop)).unwrap();
    for deployment in 0..5 {
        let release = dir.path().join(deployment.to_string());
        fs::create_dir(&release).unwrap();
        symlink(&release, dir.path().join("new")).unwrap();
        fs::rename(dir.path().join("new"), &link).unwrap();
        watcher.set(&places()).unwrap();
        assert_eq!(lock(&watcher.watches).len(), 2, "the directory of the link, and where it leads");
        fs::remove_dir(&release).unwrap();
    }
}
