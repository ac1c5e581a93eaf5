//! Names of timestamped directories: `..2026_11_22_15_59_59.2710417353`, in UTC.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// A name for a directory made now.
pub(super) fn new_name() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // A fresh hasher is seeded at random; its low half has the range of the kubelet's suffix.
    let random = RandomState::new().build_hasher().finish() & u64::from(u32::MAX);
    format!("{}.{random}", prefix(since_epoch.as_secs()))
}

fn prefix(unix_seconds: u64) -> String {
    let (year, month, day) = civil_date(unix_seconds / SECONDS_PER_DAY);
    let second_of_day = unix_seconds % SECONDS_PER_DAY;
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("..{year:04}_{month:02}_{day:02}_{hour:02}_{minute:02}_{second:02}")
}

/// Year, month and day of a day counted from 1970-01-01.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let mut rest = days;
    let mut year = 1970;
    while rest >= 365 + u64::from(is_leap(year)) {
        rest -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_seconds, expected) in [
            (0, "..1970_01_01_00_00_00"),
            (951_782_400, "..2000_02_29_00_00_00"),
            (951_868_799, "..2000_02_29_23_59_59"),
            (951_868_800, "..2000_03_01_00_00_00"),
            (1_735_689_599, "..2024_12_31_23_59_59"),
            (1_735_689_600, "..2025_01_01_00_00_00"),
            (1_795_363_199, "..2026_11_22_15_59_59"),
            (4_107_542_400, "..2100_03_01_00_00_00"),
        ] {
            assert_eq!(prefix(unix_seconds), expected);
        }
    }

    #[test]
    fn names_differ_within_a_second() {
        assert_ne!(new_name(), new_name());
    }
}
