//! Text functions. Positions count characters from 1.

mod change;
mod code;
mod join;
mod pad;
mod part;
mod regex;
mod search;
mod test;

use super::Builtin;

pub static FUNCTIONS: &[&Builtin] = &[
    &change::UPPER,
    &change::LOWER,
    &change::INITCAP,
    &change::REVERSE,
    &change::REPEAT,
    &change::REPLACE,
    &change::TRANSLATE,
    &change::OVERLAY,
    &pad::LTRIM,
    &pad::RTRIM,
    &pad::BTRIM,
    &pad::LPAD,
    &pad::RPAD,
    &part::SUBSTRING,
    &part::LEFT,
    &part::RIGHT,
    &part::SPLIT_INDEX,
    &part::ELT,
    &join::CONCAT,
    &join::CONCAT_WS,
    &search::CHAR_LENGTH,
    &search::POSITION,
    &search::INSTR,
    &search::LOCATE,
    &search::STARTSWITH,
    &search::ENDSWITH,
    &regex::REGEXP,
    &regex::REGEXP_REPLACE,
    &regex::REGEXP_EXTRACT,
    &code::ASCII,
    &code::CHR,
    &code::TO_BASE64,
    &code::FROM_BASE64,
    &code::URL_ENCODE,
    &code::URL_DECODE,
    &code::MD5,
    &test::IS_ALPHA,
    &test::IS_DIGIT,
    &test::IS_DECIMAL,
];
