//! `LISTAGG`: texts in the order of their arrival, joined.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, StringBuilder};

use super::arrivals::{Arrivals, Shape};
use super::bag::Values;
use super::sequence::Sequence;
use super::{Accumulator, AggregateFunction, column};
use crate::error::Result;
use crate::functions::Signature;
use crate::types::SqlType;

#[derive(Debug)]
pub struct ListAgg;

impl AggregateFunction for ListAgg {
    fn name(&self) -> &'static str {
        "LISTAGG"
    }

    fn usage(&self) -> &'static str {
        "LISTAGG(text [, 'separator']): the texts that are not NULL in the order in which they came, joined by the \
         separator, else by a comma; NULL where there are none."
    }

    fn signature(&self, arguments: &[SqlType]) -> Option<Signature> {
        let ([text] | [text, _]) = arguments else { return None };
        let texts = arguments.iter().all(|argument| argument.kind.is_string());
        texts.then(|| Signature { arguments: arguments.to_vec(), returns: text.clone() })
    }

    fn constant(&self) -> Option<usize> {
        Some(1)
    }

    fn accumulator(&self, types: &Signature, retracts: bool) -> Result<Box<dyn Accumulator>> {
        Arrivals::boxed(types, retracts, Joined)
    }
}

/// All texts; the separator of each stands beside it.
struct Joined;

impl Shape for Joined {
    fn choose(&self, sequence: &Sequence, chosen: &mut Values) {
        sequence.iter().for_each(|value| chosen.push(value));
    }

    fn results(&self, values: &[ArrayRef], ends: &[usize]) -> Result<ArrayRef> {
        let texts: &StringArray = column(values, 0)?;
        let separators: Option<&StringArray> = values.get(1).map(|_| column(values, 1)).transpose()?;
        let (mut results, mut joined, mut start) = (StringBuilder::new(), String::new(), 0);
        for &end in ends {
            joined.clear();
            for row in start..end {
                if row > start {
                    joined.push_str(separators.map_or(",", |separators| separators.value(row)));
                }
                joined.push_str(texts.value(row));
            }
            results.append_option((end > start).then_some(joined.as_str()));
            start = end;
        }
        Ok(Arc::new(results.finish()))
    }
}
