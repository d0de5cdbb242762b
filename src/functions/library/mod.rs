//! The built-in functions, one small file or family each, and the registry that finds them by name.
//!
//! A function is a `static` [`Builtin`]: name, usage, the types it takes and gives, and a kernel over a batch. To add
//! one, write it into its family's file and list it there; its name leaves [`names::NOT_YET`].

mod builtin;
mod call;
mod collection;
mod math;
pub mod names;
pub mod operators;
mod temporal;
mod text;
pub mod time_unit;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub use builtin::{BUILTIN, Builtin};

use super::ScalarFunction;

/// Every built-in function that is called by its name, in the order of their families.
fn families() -> impl Iterator<Item = &'static Builtin> {
    let families = [text::FUNCTIONS, math::FUNCTIONS, temporal::FUNCTIONS, collection::FUNCTIONS];
    families.into_iter().flatten().copied()
}

static BY_NAME: LazyLock<HashMap<&'static str, &'static Builtin>> = LazyLock::new(|| {
    let names =
        |f: &'static Builtin| std::iter::once(f.name).chain(f.aliases.iter().copied()).map(move |name| (name, f));
    families().flat_map(names).collect()
});

/// The function called `name`, in whatever case it is written.
pub fn find(name: &str) -> Option<Arc<dyn ScalarFunction>> {
    let found = BY_NAME.get(name.to_uppercase().as_str())?;
    Some(Arc::new(*found))
}

/// Every function, sorted by name, for SHOW FUNCTIONS and the reference.
pub fn all() -> Vec<Arc<dyn ScalarFunction>> {
    let mut functions = families().collect::<Vec<_>>();
    functions.sort_by_key(|f| f.name);
    functions.into_iter().map(|f| Arc::new(f) as Arc<dyn ScalarFunction>).collect()
}

/// The functions that need no parentheses: `CURRENT_TIMESTAMP`, `PI`. The name is upper case.
pub fn without_parentheses(name: &str) -> Option<Arc<dyn ScalarFunction>> {
    let mut candidates = temporal::CLOCK_FUNCTIONS.iter().copied().chain([&math::PI]);
    candidates.find(|f| f.name == name).map(|found| Arc::new(found) as Arc<dyn ScalarFunction>)
}

/// `UNIX_TIMESTAMP()`, which reads the clock where `UNIX_TIMESTAMP(text)` doesn't.
pub fn unix_now() -> Arc<dyn ScalarFunction> {
    Arc::new(&temporal::UNIX_NOW)
}
