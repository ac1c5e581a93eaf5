//! Which names match (contract 4).

use sidecar_testkit::target::Target;

use crate::support::{DEADLINE, unique_name};
use crate::{Config, HUP, received, target};

/// A name of this length that no other process has, even in its first 15 characters.
fn name_of(length: usize) -> String {
    let name = format!("{:x<length$}", unique_name() + "-");
    assert_eq!(name.len(), length);
    name
}

/// The target of this name gets the signals of `process_name`, one for each change.
#[track_caller]
fn assert_matches(process_name: &str, target: &Target) {
    let config = Config::new();
    let sidecar = config.sidecar_for(process_name);
    config.change_twice(&sidecar, 1, &[target]);
    assert_eq!(received(target), [HUP, HUP]);
}

/// It gets none, while another process that bears the name does.
#[track_caller]
fn assert_does_not_match(process_name: &str, decoy: &Target) {
    let right = target(process_name);
    assert_matches(process_name, &right);
    assert_eq!(received(decoy), [0; 0], "{process_name} is not its name");
}

#[test]
fn names_of_any_length_match_in_full() {
    for length in [14, 15, 16, 20, 28, 64] {
        let name = name_of(length);
        assert_matches(&name, &target(&name));
    }
}

#[test]
fn the_first_15_characters_match_and_the_log_gives_the_full_name_once() {
    let full = name_of(28);
    let target = target(&full);
    let config = Config::new();
    let sidecar = config.sidecar_for(&full[..15]);
    config.change_twice(&sidecar, 1, &[&target]);
    assert_eq!(received(&target), [HUP, HUP]);
    let hints = sidecar.log_lines(" full-name process=");
    assert!(hints.len() == 1 && hints[0].contains(&full), "{hints:?}");
}

#[test]
fn the_log_gives_the_full_name_once_of_a_target_that_comes_later() {
    let full = name_of(28);
    let config = Config::new();
    let sidecar = config.sidecar_for(&full[..15]);
    let target = target(&full);
    config.change_twice(&sidecar, 1, &[&target]);
    assert_eq!(received(&target), [HUP, HUP]);
    let hints = sidecar.log_lines(" full-name process=");
    assert!(hints.len() == 1 && hints[0].contains(&full), "{hints:?}");
}

#[test]
fn a_name_of_15_characters_is_not_taken_for_a_cut_one() {
    let name = name_of(15);
    let target = target(&name);
    let config = Config::new();
    let sidecar = config.sidecar_for(&name);
    config.change_twice(&sidecar, 1, &[&target]);
    assert_eq!(received(&target), [HUP, HUP]);
    assert_eq!(sidecar.log_lines(" full-name process="), [""; 0]);
}

#[test]
fn other_beginnings_of_a_name_do_not_match() {
    let full = name_of(28);
    let decoy = target(&full);
    for length in [10, 14, 16, 27] {
        assert_does_not_match(&full[..length], &decoy);
    }
}

#[test]
fn a_name_is_not_found_in_the_middle_or_at_the_end() {
    let name = unique_name();
    let decoys = [format!("{name}x"), format!("x{name}"), name.to_uppercase()].map(|name| target(&name));
    for decoy in &decoys {
        assert_does_not_match(&name, decoy);
    }
}

#[test]
fn the_arguments_of_a_process_are_not_its_name() {
    let name = unique_name();
    let decoy =
        Target::builder().named(&unique_name()).args([name.clone(), format!("/{name}")]).spawn().unwrap();
    assert_does_not_match(&name, &decoy);
}

#[test]
fn a_rewritten_title_counts_up_to_the_colon() {
    for path in ["", "/usr/sbin/"] {
        let name = unique_name();
        let title = format!("{path}{name}: master process /usr/sbin/other -g daemon off;");
        let target = Target::builder().named(&unique_name()).title(&title).spawn().unwrap();
        assert_matches(&name, &target);
    }
}

#[test]
fn the_name_in_a_title_behind_the_colon_does_not_count() {
    let name = unique_name();
    let decoy = Target::builder().named(&unique_name()).title(&format!("app: {name}")).spawn().unwrap();
    assert_does_not_match(&name, &decoy);
}

/// `prctl(PR_SET_NAME)`.
#[test]
fn a_name_that_the_program_gave_itself_matches() {
    let name = unique_name();
    let target = Target::builder().named(&unique_name()).comm(&name).spawn().unwrap();
    assert_matches(&name, &target);
}

#[test]
fn a_process_that_gave_itself_another_name_matches_by_both() {
    let (file, comm) = (unique_name(), unique_name());
    for name in [&file, &comm] {
        assert_matches(name, &Target::builder().named(&file).comm(&comm).spawn().unwrap());
    }
}

#[test]
fn a_rewritten_title_does_not_hide_the_executable() {
    let name = unique_name();
    let target = Target::builder().named(&name).title("worker: idle").comm("worker").spawn().unwrap();
    assert_matches(&name, &target);
}

#[test]
fn the_name_is_looked_for_anew_at_each_change() {
    let name = unique_name();
    let config = Config::new();
    let mut first = target(&name);
    let sidecar = config.sidecar_for(&name);
    config.change_twice(&sidecar, 1, &[&first]);
    assert_eq!(received(&first), [HUP, HUP]);
    first.kill().unwrap();
    let second = target(&name);
    config.change_twice(&sidecar, 1, &[&second]);
    assert_eq!(received(&second), [HUP, HUP]);
    sidecar.wait_for_log(&format!("pid={}", second.pid()), DEADLINE);
}
