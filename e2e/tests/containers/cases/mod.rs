//! The cases, each named for the behaviour that it shows.

mod check;
mod compose;
mod image;
mod lifecycle;
mod load;
mod rights;
mod swaps;
mod targets;

use e2e::run::Run;
use libtest_mimic::Trial;

/// Makes trials of functions, which must all be listed: one that is not is dead code.
macro_rules! cases {
    ($($module:ident::$name:ident,)*) => {
        /// The names of all trials.
        pub(crate) const NAMES: &[&str] = &[$(concat!(stringify!($module), "::", stringify!($name))),*];

        /// All trials, in this order.
        pub(crate) fn trials(run: &'static Run) -> Vec<Trial> {
            let functions: &[fn(&'static Run)] = &[$($module::$name),*];
            let trial = |(&name, &function): (&&str, &fn(&'static Run))| {
                Trial::test(name, move || {
                    function(run);
                    Ok(())
                })
            };
            NAMES.iter().zip(functions).map(trial).collect()
        }
    };
}

// The long ones first, so that none of them is the last to end alone.
cases! {
    load::of_2_000_updates_in_a_row_the_last_is_seen_last,
    load::with_8_mib_of_memory_500_updates_are_500_signals,
    compose::the_example_reloads_once_a_change,
    swaps::one_swap_is_one_sighup,
    swaps::an_added_key_is_one_sighup,
    swaps::a_removed_key_is_one_sighup,
    swaps::two_volumes_updated_300_ms_apart_are_two_sighups,
    swaps::a_mounted_file_rewritten_in_place_is_one_sighup,
    targets::a_signal_is_chosen_by_name,
    targets::a_signal_is_chosen_by_number,
    targets::pid_1_of_its_container,
    targets::a_child_of_a_shell_like_parent,
    targets::a_master_and_not_its_four_workers,
    targets::a_name_of_20_characters,
    lifecycle::a_target_that_starts_after_the_sidecar_gets_the_next_change,
    lifecycle::a_restarted_target_gets_the_next_change,
    lifecycle::a_target_that_was_down_during_a_change_has_read_it_at_its_start,
    lifecycle::a_change_during_a_restart_of_the_sidecar_is_not_lost,
    lifecycle::docker_stop_takes_under_a_second,
    lifecycle::docker_stop_of_the_sidecar_as_pid_1_takes_under_a_second,
    rights::a_read_only_root_filesystem_is_enough,
    rights::root_with_no_capability_but_kill_signals_any_user,
    rights::the_user_of_the_target_needs_no_capability,
    rights::another_user_without_the_capability_is_told_both_mends,
    rights::without_a_shared_pid_namespace_the_log_says_so,
    check::without_a_shared_pid_namespace_it_says_how_to_share_it,
    check::a_mistyped_name_is_mended_by_the_closest_one,
    check::another_users_process_is_mended_by_its_user_and_by_the_capability,
    check::a_key_mounted_alone_is_mended_by_the_whole_volume,
    check::an_empty_path_is_mended_by_filling_it,
    check::an_unreadable_path_is_mended_by_its_mode,
    check::used_up_inotify_instances_are_mended_by_those_that_come_free,
    image::it_holds_the_binary_and_nothing_else,
    image::it_says_where_it_comes_from,
    image::it_runs_as_root_by_default,
}
