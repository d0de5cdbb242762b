//! Names and types: from a parsed query to a typed DataFusion `LogicalPlan`.
pub mod expr;
