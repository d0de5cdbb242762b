//! RAND, RAND_INTEGER and UUID. With a seed the numbers are those of `java.util.Random`, as in Flink.

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::ArrayRef;
use datafusion::logical_expr::ColumnarValue;

use crate::error::{Error, Result};
use crate::functions::library::builtin::{Family, Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::functions::{Arity, EvalContext, ScalarFunction, Signature};
use crate::types::SqlType;

use Family::Int;

const DOUBLE: Returns = Returns::Kind(TypeName::Double);
const INT: Returns = Returns::Kind(TypeName::Int);

pub static RAND: Builtin = Builtin {
    name: "RAND",
    usage: "RAND([seed]) is a number from 0.0 (inclusive) to 1.0 (exclusive); a seed makes the sequence repeatable.",
    overloads: &[Overload { parameters: &[], returns: DOUBLE }, Overload { parameters: &[Int], returns: DOUBLE }],
    nulls: Nulls::FromArguments,
    deterministic: false,
    stateful: true,
    kernel: |call| call.collect(|_| Some(rand::random::<f64>())),
    ..BUILTIN
};

pub static RAND_INTEGER: Builtin = Builtin {
    name: "RAND_INTEGER",
    usage: "RAND_INTEGER([seed,] bound) is a whole number from 0 (inclusive) to the bound (exclusive).",
    overloads: &[Overload { parameters: &[Int], returns: INT }, Overload { parameters: &[Int, Int], returns: INT }],
    deterministic: false,
    stateful: true,
    kernel: |call| {
        let bounds = call.int(0)?;
        call.try_collect(|row| match bounds.at(row) {
            Some(bound) if bound > 0 => Ok(Some(rand::random_range(0..bound))),
            Some(bound) => Err(not_positive(bound)),
            None => Ok(None),
        })
    },
    ..BUILTIN
};

pub static UUID: Builtin = Builtin {
    name: "UUID",
    usage: "UUID() is a random identifier (RFC 4122, version 4).",
    overloads: &[Overload { parameters: &[], returns: Returns::With(|_| Some(crate::types::TypeKind::Char(36))) }],
    nulls: Nulls::Never,
    deterministic: false,
    kernel: |call| call.collect(|_| Some(uuid::Uuid::new_v4().to_string())),
    ..BUILTIN
};

fn not_positive(bound: i32) -> Error {
    Error::data(format!("the bound of RAND_INTEGER must be positive, not {bound}"))
}

/// Linear congruential, 48 bits, as `java.util.Random` documents it.
struct JavaRandom(u64);

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const MASK: u64 = (1 << 48) - 1;

impl JavaRandom {
    fn new(seed: i64) -> Self {
        Self((seed as u64 ^ MULTIPLIER) & MASK)
    }

    fn next(&mut self, bits: u32) -> i32 {
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        (self.0 >> (48 - bits)) as i32
    }

    fn next_double(&mut self) -> f64 {
        let high = i64::from(self.next(26)) << 27;
        (high + i64::from(self.next(27))) as f64 / (1i64 << 53) as f64
    }

    fn next_int(&mut self, bound: i32) -> i32 {
        let mut random = self.next(31);
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(random)) >> 31) as i32;
        }
        loop {
            let value = random % bound;
            if random.wrapping_sub(value).wrapping_add(bound - 1) >= 0 {
                return value;
            }
            random = self.next(31);
        }
    }
}

/// One call of RAND or RAND_INTEGER with a seed: its generator goes on from batch to batch. A seed that is no constant
/// starts a new sequence with every row, as in Flink.
pub struct Seeded {
    builtin: &'static Builtin,
    generator: Mutex<Option<JavaRandom>>,
}

impl Seeded {
    pub fn new(builtin: &'static Builtin) -> Self {
        Self { builtin, generator: Mutex::new(None) }
    }

    fn rows<T: crate::functions::library::call::Cell>(
        &self,
        call: &Call<'_>,
        mut draw: impl FnMut(usize, &mut JavaRandom) -> Result<Option<T>>,
    ) -> Result<ArrayRef> {
        let seeds = call.int(0)?;
        let mut shared = self.generator.lock().unwrap_or_else(PoisonError::into_inner);
        call.try_collect(|row| {
            let Some(seed) = seeds.at(row) else { return Ok(None) };
            match seeds.is_constant() {
                true => draw(row, shared.get_or_insert_with(|| JavaRandom::new(i64::from(seed)))),
                false => draw(row, &mut JavaRandom::new(i64::from(seed))),
            }
        })
    }
}

impl Debug for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(self.builtin, f)
    }
}

impl ScalarFunction for Seeded {
    fn name(&self) -> &'static str {
        self.builtin.name
    }

    fn usage(&self) -> &'static str {
        self.builtin.usage
    }

    fn arity(&self) -> Arity {
        (&self.builtin).arity()
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        (&self.builtin).signature(arguments)
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn evaluate(&self, arguments: &[ArrayRef], types: &Signature, context: &EvalContext) -> Result<ArrayRef> {
        let values = arguments.iter().cloned().map(ColumnarValue::Array).collect::<Vec<_>>();
        self.evaluate_columns(&values, types, context)
    }

    fn evaluate_columns(
        &self,
        arguments: &[ColumnarValue],
        types: &Signature,
        context: &EvalContext,
    ) -> Result<ArrayRef> {
        let call = Call { arguments, types, context };
        match (self.builtin.name, arguments.len()) {
            ("RAND", 1) => self.rows(&call, |_, random| Ok(Some(random.next_double()))),
            ("RAND_INTEGER", 2) => {
                let bounds = call.int(1)?;
                self.rows(&call, |row, random| match bounds.at(row) {
                    Some(bound) if bound > 0 => Ok(Some(random.next_int(bound))),
                    Some(bound) => Err(not_positive(bound)),
                    None => Ok(None),
                })
            }
            _ => (self.builtin.kernel)(&call),
        }
    }
}

/// The function for one call, so that calls don't share a generator.
pub fn for_one_call(builtin: &'static Builtin) -> Arc<dyn ScalarFunction> {
    Arc::new(Seeded::new(builtin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seeded_sequence_is_javas() {
        let mut random = JavaRandom::new(42);
        assert_eq!([random.next_int(10), random.next_int(10), random.next_int(10)], [0, 3, 8]);
        assert_eq!(JavaRandom::new(1).next_double(), 0.730_878_190_703_290_9);
    }
}
