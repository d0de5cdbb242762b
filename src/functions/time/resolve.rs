//! Fields that were read, put together to a date and a time of day, as Java's smart resolver does.

use chrono::{Datelike, Duration, NaiveDate};

use super::parse::Fields;
use super::pattern::Field;
use super::text::last_valid_day;

/// The date, and the time of day as a duration (24:00 is a whole day). `None` where a field is out of its range or two contradict each other.
pub(super) fn resolve(fields: &Fields) -> Option<(NaiveDate, Duration)> {
    Some((date(fields)?, time(fields)?))
}

fn within(value: i64, from: i64, to: i64) -> Option<u32> {
    (from..=to).contains(&value).then_some(value as u32)
}

fn date(fields: &Fields) -> Option<NaiveDate> {
    let year = year(fields)?;
    let month = fields.get(Field::Month);
    let day = fields.get(Field::DayOfMonth);
    let day_of_year = fields.get(Field::DayOfYear);
    let date = match (year, month, day, day_of_year) {
        (Some(year), Some(month), Some(day), _) => last_valid_day(year, within(month, 1, 12)?, within(day, 1, 31)?)?,
        (Some(year), _, _, Some(day)) => NaiveDate::from_yo_opt(year, within(day, 1, 366)?)?,
        (None, None, None, None) if let Some(days) = fields.get(Field::ModifiedJulianDay) => {
            NaiveDate::from_num_days_from_ce_opt(i32::try_from(days.checked_add(678_576)?).ok()?)?
        }
        (None, ..) if let Some(date) = date_of_week(fields) => date?,
        // Not a whole date, so nothing contradicts it: what is missing is taken from 1970-01-01.
        (year, month, day, _) => {
            let (month, day) = (within(month.unwrap_or(1), 1, 12)?, within(day.unwrap_or(1), 1, 31)?);
            return NaiveDate::from_ymd_opt(year.unwrap_or(1970), month, day);
        }
    };
    let agrees = |field, value: u32| fields.get(field).is_none_or(|read| read == value as i64);
    let consistent = agrees(Field::LocalWeekday, date.weekday().num_days_from_sunday() + 1)
        && agrees(Field::Quarter, date.month0() / 3 + 1)
        && agrees(Field::DayOfYear, date.ordinal())
        && agrees(Field::Month, date.month());
    consistent.then_some(date)
}

/// Outer `None`: out of range. Inner: not read.
#[allow(clippy::option_option)]
fn year(fields: &Fields) -> Option<Option<i32>> {
    let of_era = match fields.get(Field::YearOfEra) {
        Some(year) if year < 1 => return None,
        Some(year) if fields.get(Field::Era) == Some(0) => Some(1 - year),
        year => year,
    };
    match (of_era, fields.get(Field::Year)) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => match a.or(b) {
            Some(year) => i32::try_from(year).ok().map(Some),
            None => Some(None),
        },
    }
}

/// Week-based year, week and weekday; weeks begin on Sunday and the first is the one with 1 January.
fn date_of_week(fields: &Fields) -> Option<Option<NaiveDate>> {
    let year = fields.get(Field::WeekBasedYear)?;
    let week = fields.get(Field::WeekOfYear)?;
    let weekday = fields.get(Field::LocalWeekday)?;
    let first = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1));
    Some(first.and_then(|first| {
        let (week, weekday) = (within(week, 1, 54)? as i64, within(weekday, 1, 7)? as i64);
        let sunday = first - Duration::days(first.weekday().num_days_from_sunday() as i64);
        sunday.checked_add_signed(Duration::days((week - 1) * 7 + weekday - 1))
    }))
}

fn time(fields: &Fields) -> Option<Duration> {
    if let Some(nanos) = fields.get(Field::NanoOfDay) {
        return (0..86_400_000_000_000).contains(&nanos).then(|| Duration::nanoseconds(nanos));
    }
    if let Some(millis) = fields.get(Field::MilliOfDay) {
        return (0..86_400_000).contains(&millis).then(|| Duration::milliseconds(millis));
    }
    let minute = within(fields.get(Field::Minute).unwrap_or(0), 0, 59)?;
    let second = within(fields.get(Field::Second).unwrap_or(0), 0, 59)?;
    let nanos = within(fields.get(Field::NanoOfSecond).unwrap_or(0), 0, 999_999_999)?;
    let hour = match hour(fields)? {
        24 if (minute, second, nanos) == (0, 0, 0) => 24,
        hour => within(hour, 0, 23)?,
    };
    Some(
        Duration::seconds(hour as i64 * 3600 + minute as i64 * 60 + second as i64)
            + Duration::nanoseconds(nanos as i64),
    )
}

/// An hour on a clock face counts only with AM or PM beside it; without them it is midnight, as in Flink.
fn hour(fields: &Fields) -> Option<i64> {
    let clock_hour = match fields.get(Field::ClockHour) {
        Some(hour) => Some(within(hour, 0, 24)? as i64 % 24),
        None => None,
    };
    let of_face = match (fields.get(Field::HourOfAmPm), fields.get(Field::ClockHourOfAmPm)) {
        (Some(hour), _) => Some(within(hour, 0, 11)? as i64),
        (None, Some(hour)) => Some(within(hour, 0, 12)? as i64 % 12),
        (None, None) => None,
    };
    let half_day = of_face.zip(fields.get(Field::AmPm)).map(|(hour, half)| half * 12 + hour);
    let mut read = [fields.get(Field::Hour), clock_hour, half_day].into_iter().flatten();
    let hour = read.next().unwrap_or(0);
    read.all(|other| other == hour).then_some(hour)
}
