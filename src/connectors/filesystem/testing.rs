//! Tables for the tests of this room.

use crate::connectors::TableDescriptor;

/// A filesystem table `t` of CSV: `columns` as `a INT, b STRING`, and more options.
pub fn table(columns: &str, options: &[(&str, &str)]) -> TableDescriptor {
    let defaults = [("connector", "filesystem"), ("path", "/nowhere"), ("format", "csv")];
    crate::connectors::testing::table(columns, defaults.iter().chain(options))
}
