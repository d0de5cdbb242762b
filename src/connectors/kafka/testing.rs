//! Tables for the tests of this room.

use crate::connectors::TableDescriptor;

/// A kafka table `t` of topic `topic` with json values: `columns` as `a INT, b STRING`, and more options.
pub fn table(columns: &str, options: &[(&str, &str)]) -> TableDescriptor {
    let defaults = [
        ("connector", "kafka"),
        ("topic", "topic"),
        ("properties.bootstrap.servers", "127.0.0.1:1"),
        ("format", "json"),
    ];
    crate::connectors::testing::table(columns, defaults.iter().chain(options))
}
