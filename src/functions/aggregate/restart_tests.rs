//! Every accumulator is after a restart what it was before: at any row, with retraction and without, of every type.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int32Builder, Int64Array, ListArray, MapBuilder, StringArray, StringBuilder, StructArray, UInt32Array,
    new_null_array,
};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Int32Type};
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

pub fn saved(made: &dyn Accumulator, slots: &[u32]) -> Vec<ArrayRef> {
    made.save(slots).unwrap().iter().map(|saved| saved.column().unwrap()).collect()
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
                    again.restore(&[3, 1, 0], &saved(&*made, &[0, 1, 2])).unwrap();
                    // The slots are others now: once more, into their old places.
                    let mut back = case.make().unwrap();
                    back.grow(3);
                    back.restore(&[0, 1, 2], &saved(&*again, &[3, 1, 0])).unwrap();
                    back
                });
                assert_eq!(straight, restarted, "{}({ty}) retracts: {retracts}, distinct: {distinct}", case.name);
                seen += straight.len();
            }
        }
    }
    assert!(seen > 5_000, "only {seen} results");
}

/// Two values of a type, and NULL.
fn samples(ty: &DataType) -> ArrayRef {
    let two: ArrayRef = match ty {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![false, true])),
        DataType::Float32 => Arc::new(Float32Array::from(vec![-0.0, f32::NAN])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![-0.0, f64::NAN])),
        DataType::Decimal128(precision, scale) => {
            let values = Decimal128Array::from(vec![-12_345, 7]);
            Arc::new(values.with_precision_and_scale(*precision, *scale).unwrap())
        }
        DataType::Utf8 => Arc::new(StringArray::from(vec!["", "Düse\0 and more than thirty-two bytes of text"])),
        DataType::Binary => Arc::new(BinaryArray::from(vec![&b""[..], &[0, 255, 0]])),
        DataType::List(_) => {
            let lists = [Some(vec![Some(1), None]), Some(vec![])];
            cast(&ListArray::from_iter_primitive::<Int32Type, _, _>(lists), ty).unwrap()
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().map(|field| samples(field.data_type()).slice(0, 2)).collect();
            Arc::new(StructArray::try_new(fields.clone(), columns, None).unwrap())
        }
        DataType::Map(..) => {
            let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
            map.keys().append_value("doc");
            map.values().append_value(1);
            map.append(true).unwrap();
            map.append(true).unwrap();
            cast(&map.finish(), ty).unwrap()
        }
        DataType::Interval(_) => Arc::new(arrow::array::IntervalYearMonthArray::from(vec![-1, i32::MAX])),
        DataType::Int8 | DataType::Int16 => cast(&Int32Array::from(vec![-7, 100]), ty).unwrap(),
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => {
            cast(&Int32Array::from(vec![0, 86_399_999]), ty).unwrap()
        }
        ty => cast(&Int64Array::from(vec![-1, 1_633_956_789_277]), ty).unwrap(),
    };
    concat(&[&two, &new_null_array(ty, 1)]).unwrap()
}

#[test]
fn values_of_every_type_are_saved_as_what_they_are() {
    for text in [
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(10, 2)",
        "DECIMAL(38, 0)",
        "CHAR(3)",
        "STRING",
        "BYTES",
        "DATE",
        "TIME(3)",
        "TIMESTAMP(3)",
        "TIMESTAMP(6)",
        "TIMESTAMP(9)",
        "TIMESTAMP_LTZ(3)",
        "TIMESTAMP_LTZ(6)",
        "INTERVAL YEAR TO MONTH",
        "INTERVAL DAY TO SECOND",
        "ARRAY<INT>",
        "MAP<STRING NOT NULL, INT>",
        "MULTISET<STRING NOT NULL>",
        "ROW<a INT, b STRING, c ARRAY<INT>>",
    ] {
        let ty = SqlType::parse(text).unwrap();
        let values = samples(&ty.arrow());
        assert_eq!(values.data_type(), &ty.arrow(), "{text}");
        let came = take(&values, &UInt32Array::from(vec![1, 2, 0, 1]), None).unwrap();
        for (name, retracts) in [("ARRAY_AGG", true), ("FIRST_VALUE", true), ("LAST_VALUE", false), ("COLLECT", true)] {
            let function = find(name).unwrap();
            let signature = function.signature(std::slice::from_ref(&ty)).unwrap();
            let make = || {
                let mut made = function.accumulator(&signature, retracts).unwrap();
                made.grow(2);
                made
            };
            let mut made = make();
            made.update(&[1; 4], std::slice::from_ref(&came), Signs::Added).unwrap();
            let saved = saved(&*made, &[0, 1]);
            let entries = saved[0].as_list::<i32>().values().as_struct();
            assert_eq!(entries.column(0).data_type(), &ty.arrow(), "{name}({text})");
            if name == "ARRAY_AGG" {
                assert_eq!(entries.column(0), &came, "{text}");
            }
            let mut again = make();
            again.restore(&[1, 0], &saved).unwrap();
            assert_eq!(&again.evaluate(&[0, 1]).unwrap(), &made.evaluate(&[1, 0]).unwrap(), "{name}({text})");
        }
    }
}

#[test]
fn saved_values_have_counts() {
    let numbers: [ArrayRef; 1] = [Arc::new(Int32Array::from(vec![Some(5), Some(3), None, Some(3), Some(9)]))];
    for (name, distinct, expected) in [
        ("MAX", false, "[{value 0: 3, count: 2}, {value 0: 5, count: 1}, {value 0: 9, count: -1}]"),
        (
            "COUNT",
            true,
            "[{value 0: , count: 1}, {value 0: 3, count: 2}, {value 0: 5, count: 1}, {value 0: 9, count: -1}] 2",
        ),
        (
            "ARRAY_AGG",
            false,
            "[{value 0: 5, count: 1}, {value 0: 3, count: 1}, {value 0: , count: 1}, \
                              {value 0: 3, count: 1}, {value 0: 9, count: -1}]",
        ),
        (
            "LAST_VALUE",
            false,
            "[{value 0: 5, count: 1}, {value 0: 3, count: 1}, {value 0: 3, count: 1}, \
                               {value 0: 9, count: -1}]",
        ),
    ] {
        let mut made = Case { name, ty: "INT", retracts: true, distinct }.make().unwrap();
        made.grow(1);
        made.update(&[0; 5], &numbers, Signs::Each(&[1, 1, 1, 1, -1])).unwrap();
        let text = |column: &ArrayRef| arrow::util::display::array_value_to_string(column, 0).unwrap();
        assert_eq!(saved(&*made, &[0]).iter().map(text).collect::<Vec<_>>().join(" "), expected, "{name}");
    }
}
