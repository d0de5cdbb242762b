//! JSON, decoded straight into columns by a scanner of our own.
