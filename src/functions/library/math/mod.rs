//! Numbers.

mod digits;
mod extreme;
mod random;
mod real;
mod rounding;

pub use random::for_one_call;
pub use real::PI;
pub use rounding::{ROUND, TRUNCATE};

use super::Builtin;

pub static FUNCTIONS: &[&Builtin] = &[
    &rounding::ABS,
    &rounding::CEIL,
    &rounding::FLOOR,
    &ROUND,
    &TRUNCATE,
    &rounding::SIGN,
    &real::POWER,
    &real::SQRT,
    &real::LN,
    &real::LOG,
    &real::LOG10,
    &real::LOG2,
    &real::EXP,
    &real::SIN,
    &real::COS,
    &real::TAN,
    &real::COT,
    &real::ASIN,
    &real::ACOS,
    &real::ATAN,
    &real::ATAN2,
    &real::SINH,
    &real::COSH,
    &real::TANH,
    &real::DEGREES,
    &real::RADIANS,
    &PI,
    &real::E,
    &random::RAND,
    &random::RAND_INTEGER,
    &random::UUID,
    &extreme::GREATEST,
    &extreme::LEAST,
    &digits::BIN,
    &digits::HEX,
    &digits::UNHEX,
];
