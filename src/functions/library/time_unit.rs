//! Units of time by their SQL names: what EXTRACT reads, FLOOR rounds to and TIMESTAMPDIFF counts.

use super::Builtin;
use super::temporal::extract;

/// The function behind `EXTRACT(unit FROM …)`.
pub fn extractor(unit: &str) -> Option<&'static Builtin> {
    extract::BY_UNIT.iter().find(|(name, _)| *name == unit).map(|(_, function)| *function)
}

pub fn is_rounding_unit(unit: &str) -> bool {
    const UNITS: [&str; 11] =
        ["MILLENNIUM", "CENTURY", "DECADE", "YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "HOUR", "MINUTE", "SECOND"];
    UNITS.contains(&unit) || unit == "MILLISECOND"
}

pub fn is_difference_unit(unit: &str) -> bool {
    matches!(unit, "YEAR" | "QUARTER" | "MONTH" | "WEEK" | "DAY" | "HOUR" | "MINUTE" | "SECOND")
}
