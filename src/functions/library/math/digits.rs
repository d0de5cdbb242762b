//! Numbers in other bases.

use std::fmt::Write;

use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::{BUILTIN, Builtin};

use Family::{Long, Text};

const STRING: Returns = Returns::Kind(TypeName::String);

pub static BIN: Builtin = Builtin {
    name: "BIN",
    usage: "BIN(number) is the number in base 2.",
    overloads: &[Overload { parameters: &[Long], returns: STRING }],
    kernel: |call| {
        let numbers = call.long(0)?;
        call.collect(|row| Some(format!("{:b}", numbers.at(row)?)))
    },
    ..BUILTIN
};

pub static HEX: Builtin = Builtin {
    name: "HEX",
    usage: "HEX(number) is the number in base 16, HEX(text) its bytes.",
    overloads: &[Overload { parameters: &[Long], returns: STRING }, Overload { parameters: &[Text], returns: STRING }],
    kernel: |call| {
        if call.argument_type(0)?.kind.is_string() {
            let texts = call.text(0)?;
            return call.write(|row, out| texts.at(row)?.bytes().try_for_each(|b| write!(out, "{b:02X}")).ok());
        }
        let numbers = call.long(0)?;
        call.collect(|row| Some(format!("{:X}", numbers.at(row)?)))
    },
    ..BUILTIN
};

pub static UNHEX: Builtin = Builtin {
    name: "UNHEX",
    usage: "UNHEX(text) is the bytes that hexadecimal digits stand for; NULL where they are none.",
    overloads: &[Overload { parameters: &[Text], returns: Returns::Kind(TypeName::Bytes) }],
    nulls: Nulls::Always,
    kernel: |call| {
        let texts = call.text(0)?;
        call.collect(|row| {
            let text = texts.at(row)?;
            // Of an odd number of digits the first gives way to a zero byte, as in Flink.
            let padded = match text.char_indices().nth(1) {
                Some((rest, _)) if text.len() % 2 == 1 => format!("00{}", text.get(rest..)?),
                None if text.len() == 1 => "00".to_string(),
                _ => text.to_string(),
            };
            let pair = |i: usize| padded.get(i..i + 2).and_then(|p| u8::from_str_radix(p, 16).ok());
            (0..padded.len()).step_by(2).map(pair).collect::<Option<Vec<u8>>>()
        })
    },
    ..BUILTIN
};
