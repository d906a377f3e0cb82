//! NCRONTAB, the schedule of timer functions: six fields, the first of them seconds.
//! It says when; it runs nothing and reads no clock.

use std::collections::BTreeSet;
use std::str::FromStr;

use time::{Duration, OffsetDateTime, Time, UtcOffset};

/// When a timer runs, in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    seconds: BTreeSet<u8>,
    minutes: BTreeSet<u8>,
    hours: BTreeSet<u8>,
    days: BTreeSet<u8>,
    months: BTreeSet<u8>,
    weekdays: BTreeSet<u8>,
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (seconds, fields) = match fields.len() {
            5 => ("0", &fields[..]),
            6 => (fields[0], &fields[1..]),
            _ => {
                return Err(format!(
                    "The schedule expression '{text}' was not recognized as a valid cron expression"
                ));
            }
        };
        Ok(Self {
            seconds: field(seconds, 0, 59, &[])?,
            minutes: field(fields[0], 0, 59, &[])?,
            hours: field(fields[1], 0, 23, &[])?,
            days: field(fields[2], 1, 31, &[])?,
            months: field(fields[3], 1, 12, &MONTHS)?,
            weekdays: field(fields[4], 0, 6, &WEEKDAYS)?,
        })
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Whether it runs more often than once a minute, in which case the host keeps no record of it.
    pub(super) fn is_frequent(&self) -> bool {
        self.seconds.len() > 1
    }

    /// The first occurrence after `at`; `None` where there is none within eight years.
    pub(super) fn after(&self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let at = at.to_offset(UtcOffset::UTC);
        let first = at.replace_nanosecond(0).ok()? + Duration::SECOND;
        let days = std::iter::successors(Some(first.date()), |day| day.next_day());
        let fits = |day: &time::Date| {
            self.days.contains(&day.day())
                && self.months.contains(&u8::from(day.month()))
                && self
                    .weekdays
                    .contains(&day.weekday().number_days_from_sunday())
        };
        days.take(8 * 366).filter(fits).find_map(|day| {
            let from = if day == first.date() {
                first.time()
            } else {
                Time::MIDNIGHT
            };
            Some(day.with_time(self.time_from(from)?).assume_utc())
        })
    }

    /// The first time of day that is not before `from`.
    fn time_from(&self, from: Time) -> Option<Time> {
        let (hour, minute, second) = (from.hour(), from.minute(), from.second());
        let times = self.hours.range(hour..).flat_map(|&h| {
            let first = if h == hour { minute } else { 0 };
            self.minutes.range(first..).map(move |&m| (h, m))
        });
        let mut times = times.filter_map(|(h, m)| {
            let first = if (h, m) == (hour, minute) { second } else { 0 };
            let s = self.seconds.range(first..).next()?;
            Time::from_hms(h, m, *s).ok()
        });
        times.next()
    }
}

/// A field: a list of `*`, values and ranges, each with an optional step.
fn field(text: &str, least: u8, most: u8, names: &[&str]) -> Result<BTreeSet<u8>, String> {
    let wrong = || format!("'{text}' is no field of a cron expression");
    let value = |text: &str| {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let named = named
            .and_then(|at| u8::try_from(at).ok())
            .map(|at| at + least);
        named
            .or_else(|| text.parse().ok())
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(wrong)
    };
    let mut values = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = part
            .split_once('/')
            .map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((from, to))) => (value(from)?, value(to)?),
            (single, None) => (
                value(single)?,
                if step.is_some() { most } else { value(single)? },
            ),
        };
        let step = step.map_or(Ok(1), |step| step.parse::<usize>().map_err(|_| wrong()))?;
        if step == 0 || from > to {
            return Err(wrong());
        }
        values.extend((from..=to).step_by(step));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[track_caller]
    fn next(schedule: &str) -> OffsetDateTime {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule
            .after(datetime!(2026-11-23 03:17:10.4 UTC))
            .unwrap()
    }

    #[test]
    fn the_next_occurrence_is_found() {
        assert_eq!(next("0 * * * * *"), datetime!(2026-11-23 03:18 UTC));
        assert_eq!(next("0 0 */6 * * *"), datetime!(2026-11-23 06:00 UTC));
        assert_eq!(next("*/5 * * * * *"), datetime!(2026-11-23 03:17:15 UTC));
        assert_eq!(next("0 30 1 * * 1-5"), datetime!(2026-11-24 01:30 UTC));
        assert_eq!(next("0 0 0 29 feb *"), datetime!(2028-02-29 00:00 UTC));
        assert_eq!(next("15 3 * * Sun"), datetime!(2026-11-29 03:15 UTC));
        assert_eq!(next("0 10,20 3 * * *"), datetime!(2026-11-23 03:20 UTC));
    }

    #[test]
    fn an_occurrence_of_this_second_is_not_the_next() {
        let schedule: Schedule = "0 * * * * *".parse().unwrap();
        assert_eq!(
            schedule.after(datetime!(2026-11-23 03:18 UTC)),
            Some(datetime!(2026-11-23 03:19 UTC))
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "* * *",
            "60 * * * * *",
            "0 0 25 * * *",
            "0 */0 * * * *",
            "0 5-1 * * * *",
            "6.00:00:00",
        ] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_schedule_under_a_minute_is_frequent() {
        assert!("*/5 * * * * *".parse::<Schedule>().unwrap().is_frequent());
        assert!(!"0 */5 * * * *".parse::<Schedule>().unwrap().is_frequent());
    }
}
