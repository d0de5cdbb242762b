//! What time it is: read once a batch, in the session zone.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Time32MillisecondArray, TimestampMillisecondArray};

use crate::error::Result;
use crate::functions::library::builtin::{Nulls, Overload, Returns, TypeName};
use crate::functions::library::call::Call;
use crate::functions::library::{BUILTIN, Builtin};
use crate::functions::time::instant_to_local;

const DAY_MS: i64 = 86_400_000;

const CLOCK: Builtin = Builtin { nulls: Nulls::Never, deterministic: false, ..BUILTIN };
const INSTANT: &[Overload] = &[Overload { parameters: &[], returns: Returns::Kind(TypeName::Instant(3)) }];
const LOCAL: &[Overload] = &[Overload { parameters: &[], returns: Returns::Kind(TypeName::Timestamp(3)) }];
const DATE: &[Overload] = &[Overload { parameters: &[], returns: Returns::Kind(TypeName::Date) }];
const TIME: &[Overload] = &[Overload { parameters: &[], returns: Returns::Kind(TypeName::Time) }];

pub static CURRENT_TIMESTAMP: Builtin = Builtin {
    name: "CURRENT_TIMESTAMP",
    usage: "CURRENT_TIMESTAMP is the current instant.",
    overloads: INSTANT,
    kernel: instant,
    ..CLOCK
};

pub static NOW: Builtin =
    Builtin { name: "NOW", usage: "NOW() is the current instant.", overloads: INSTANT, kernel: instant, ..CLOCK };

pub static CURRENT_ROW_TIMESTAMP: Builtin = Builtin {
    name: "CURRENT_ROW_TIMESTAMP",
    usage: "CURRENT_ROW_TIMESTAMP() is the current instant.",
    overloads: INSTANT,
    kernel: instant,
    ..CLOCK
};

pub static PROCTIME: Builtin = Builtin {
    name: "PROCTIME",
    usage: "PROCTIME() is the processing time attribute: the instant at which a row is processed.",
    overloads: INSTANT,
    kernel: instant,
    ..CLOCK
};

pub static LOCALTIMESTAMP: Builtin = Builtin {
    name: "LOCALTIMESTAMP",
    usage: "LOCALTIMESTAMP is the current date and time in the session zone.",
    overloads: LOCAL,
    kernel: |call| Ok(Arc::new(TimestampMillisecondArray::from_value(local_ms(call), call.rows()))),
    ..CLOCK
};

pub static CURRENT_DATE: Builtin = Builtin {
    name: "CURRENT_DATE",
    usage: "CURRENT_DATE is today in the session zone.",
    overloads: DATE,
    kernel: |call| Ok(Arc::new(Date32Array::from_value(local_ms(call).div_euclid(DAY_MS) as i32, call.rows()))),
    ..CLOCK
};

pub static CURRENT_TIME: Builtin = Builtin {
    name: "CURRENT_TIME",
    usage: "CURRENT_TIME is the time of day in the session zone.",
    overloads: TIME,
    kernel: time_of_day,
    ..CLOCK
};

pub static LOCALTIME: Builtin = Builtin {
    name: "LOCALTIME",
    usage: "LOCALTIME is the time of day in the session zone.",
    overloads: TIME,
    kernel: time_of_day,
    ..CLOCK
};

pub static UNIX_NOW: Builtin = Builtin {
    name: "UNIX_TIMESTAMP",
    usage: "UNIX_TIMESTAMP() is the current time in seconds.",
    overloads: &[Overload { parameters: &[], returns: Returns::Kind(TypeName::BigInt) }],
    kernel: |call| {
        let now = call.context.clock.now_ms().div_euclid(1_000);
        call.collect(|_| Some(now))
    },
    ..CLOCK
};

fn instant(call: &Call<'_>) -> Result<ArrayRef> {
    let now = TimestampMillisecondArray::from_value(call.context.clock.now_ms(), call.rows());
    Ok(Arc::new(now.with_timezone("UTC")))
}

fn local_ms(call: &Call<'_>) -> i64 {
    instant_to_local(call.context.clock.now_ms(), call.context.zone)
}

fn time_of_day(call: &Call<'_>) -> Result<ArrayRef> {
    let ms = local_ms(call).rem_euclid(DAY_MS) as i32;
    Ok(Arc::new(Time32MillisecondArray::from_value(ms - ms % 1_000, call.rows())))
}
