//! Every accumulator is after a restart what it was before: at any row, with retraction and without.

use arrow::array::{ArrayRef, Float64Array, Int32Array, StringArray, UInt32Array};
use arrow::compute::take;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// Values of each type that are worth restarting for: NULL, NaN, both zeros, sums that wrap or run out of digits.
fn values(ty: &str) -> ArrayRef {
    let edge = [Some(0.1), None, Some(f64::NAN), Some(-0.0), Some(0.0), Some(1e16), Some(-1e16), Some(f64::INFINITY)];
    match ty {
        "INT" => Arc::new(Int32Array::from(vec![Some(1), Some(2), None, Some(i32::MAX), Some(-7), Some(2)])),
        "DOUBLE" => Arc::new(Float64Array::from(edge.to_vec())),
        "STRING" => Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some(""), Some("c"), Some("a")])),
        "DECIMAL(38, 0)" => {
            let most = 10i128.pow(38) - 1;
            let values = arrow::array::Decimal128Array::from(vec![Some(most), Some(-most), Some(1), None]);
            Arc::new(values.with_precision_and_scale(38, 0).unwrap())
        }
        other => panic!("no values of {other}"),
    }
}

struct Case {
    name: &'static str,
    ty: &'static str,
    retracts: bool,
    distinct: bool,
}

impl Case {
    fn make(&self) -> Option<Box<dyn Accumulator>> {
        let function = find(self.name)?;
        let signature = function.signature(&[SqlType::parse(self.ty).unwrap()])?;
        function.formula(&signature).is_none().then(|| {
            let plain = function.accumulator(&signature, self.retracts).unwrap();
            match self.distinct {
                true => Distinct::boxed(plain, &[signature.arguments[0].arrow()]).unwrap(),
                false => plain,
            }
        })
    }

    /// Rows into three slots, some of them taken back, also such as never came; and after each what all slots give.
    fn run(&self, mut restart: impl FnMut(usize, Box<dyn Accumulator>) -> Box<dyn Accumulator>) -> Vec<String> {
        let Some(mut made) = self.make() else { return Vec::new() };
        made.grow(3);
        let (values, mut random, mut told) = (values(self.ty), StdRng::seed_from_u64(7), Vec::new());
        for step in 0..60 {
            let slot = [random.random_range(0..3u32)];
            let row = UInt32Array::from(vec![random.random_range(0..values.len() as u32)]);
            let sign = [if self.retracts && random.random_bool(0.4) { -1 } else { 1 }];
            let column = [take(&values, &row, None).unwrap()];
            if step % 20 == 19 {
                made.clear(&slot);
            }
            match made.update_each(&slot, &column, Signs::Each(&sign)) {
                Ok(result) => told.push(format!("{result:?}")),
                Err(error) => {
                    told.push(error.to_string());
                    made.clear(&slot);
                }
            }
            told.push(format!("{:?}", made.evaluate(&[0, 1, 2]).unwrap()));
            made = restart(step, made);
        }
        told
    }
}

#[test]
fn what_was_saved_goes_on_as_if_nothing_had_happened() {
    let mut seen = 0;
    for function in all() {
        for ty in ["INT", "DOUBLE", "STRING", "DECIMAL(38, 0)"] {
            for (retracts, distinct) in [(false, false), (true, false), (false, true), (true, true)] {
                let case = Case { name: function.name(), ty, retracts, distinct };
                let straight = case.run(|_, made| made);
                let restarted = case.run(|_, made| {
                    let mut again = case.make().unwrap();
                    again.grow(4);
                    again.restore(&[3, 1, 0], &made.save(&[0, 1, 2]).unwrap()).unwrap();
                    // The slots are others now: once more, into their old places.
                    let mut back = case.make().unwrap();
                    back.grow(3);
                    back.restore(&[0, 1, 2], &again.save(&[3, 1, 0]).unwrap()).unwrap();
                    back
                });
                assert_eq!(straight, restarted, "{}({ty}) retracts: {retracts}, distinct: {distinct}", case.name);
                seen += straight.len();
            }
        }
    }
    assert!(seen > 5_000, "only {seen} results");
}
