//! Several texts in a row.

use crate::error::Result;
use crate::functions::library::builtin::{Family, Overload, Returns, TypeName};
use crate::functions::library::{BUILTIN, Builtin};

use Family::Text;

const STRING: Returns = Returns::Kind(TypeName::String);

pub static CONCAT: Builtin = Builtin {
    name: "CONCAT",
    usage: "CONCAT(text, text, …) joins texts; NULL if one of them is.",
    overloads: &[Overload { parameters: &[Text], returns: STRING }],
    variadic: true,
    kernel: |call| {
        let texts = (0..call.arguments.len()).map(|n| call.text(n)).collect::<Result<Vec<_>>>()?;
        call.write(|row, out| {
            for text in &texts {
                out.push_str(text.at(row)?);
            }
            Some(())
        })
    },
    ..BUILTIN
};

pub static CONCAT_WS: Builtin = Builtin {
    name: "CONCAT_WS",
    usage: "CONCAT_WS(separator, text, text, …) joins the texts that are not NULL; NULL only if the separator is.",
    overloads: &[Overload { parameters: &[Text, Text], returns: STRING }],
    variadic: true,
    kernel: |call| {
        let separators = call.text(0)?;
        let texts = (1..call.arguments.len()).map(|n| call.text(n)).collect::<Result<Vec<_>>>()?;
        call.write(|row, out| {
            let separator = separators.at(row)?;
            for (n, text) in texts.iter().filter_map(|t| t.at(row)).enumerate() {
                if n > 0 {
                    out.push_str(separator);
                }
                out.push_str(text);
            }
            Some(())
        })
    },
    ..BUILTIN
};
