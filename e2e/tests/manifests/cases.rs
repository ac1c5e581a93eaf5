//! The cases: those of each example, those of the components, and those that show that a fault is seen.

mod components;
mod examples;
mod faults;
mod guide;

/// A name, and what it stands for.
pub(crate) type Case = (String, Box<dyn FnOnce() + Send>);

pub(crate) fn all() -> Vec<Case> {
    let fixed: [(&str, fn()); 15] = [
        ("components::they_reach_each_kind_and_only_what_has_the_label", components::reach),
        ("components::both_are_the_same_sidecar", components::same),
        ("components::a_native_sidecar_is_unknown_up_to_1_27", components::native),
        ("components::a_sidecar_in_any_kind_is_valid", components::valid),
        ("faults::a_wrong_field_is_rejected_by_every_version", faults::wrong_field),
        ("faults::an_unknown_setting_is_rejected", faults::unknown_setting),
        ("faults::a_value_that_does_not_parse_is_rejected", faults::wrong_value),
        ("faults::each_broken_rule_is_seen", faults::broken_rules),
        ("faults::a_volume_of_nothing_is_seen", faults::missing_source),
        ("readme::it_names_each_example_and_no_other", guide::names_examples),
        ("readme::it_is_right_about_the_level_restricted", guide::levels),
        ("readme::it_names_the_versions_of_kubernetes", guide::names_versions),
        ("readme::its_commands_run", guide::commands_run),
        ("readme::its_files_add_the_sidecar_to_an_application", guide::files_work),
        ("readme::it_names_only_settings_that_there_are", guide::names_settings),
    ];
    let fixed = fixed.into_iter().map(|(name, run)| (name.to_owned(), Box::new(run) as Box<_>));
    crate::render::examples().into_iter().flat_map(|example| examples::cases(&example)).chain(fixed).collect()
}
