//! An example of every function and aggregate, for HELP and the docs: a call and its result. A test runs them all.

/// A call and what it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    pub name: &'static str,
    pub call: &'static str,
    /// As the shell prints it.
    pub result: &'static str,
    /// The result is another each time.
    pub varies: bool,
}

/// Every example, in the order of the file.
pub fn all() -> impl Iterator<Item = Example> {
    include_str!("examples.txt").lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut fields = line.split('\t');
        let (name, call, result) = (fields.next()?, fields.next()?, fields.next()?);
        let varies = result.starts_with('~');
        Some(Example { name, call, result: result.trim_start_matches('~'), varies })
    })
}

/// The example of the function called `name`, upper case.
pub fn of(name: &str) -> Option<Example> {
    all().find(|example| example.name == name)
}

impl std::fmt::Display for Example {
    /// `ABS(-7) → 7`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { call, result, varies, .. } = self;
        write!(f, "{call} → {result}{}", if *varies { ", say" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;
    use crate::functions::{aggregate, library};
    use crate::types::SqlType;
    use crate::types::print::{PrintStyle, print_value};

    /// The values of a query of one row.
    async fn values(sql: &str) -> Vec<String> {
        let mut session = Session::new();
        session.execute("SET 'execution.runtime-mode' = 'batch'").await.unwrap();
        let mut query = session.query(sql).await.unwrap_or_else(|error| panic!("{error}"));
        let types: Vec<SqlType> = query.schema.fields.iter().map(|field| field.ty.clone()).collect();
        let mut values = Vec::new();
        while let Some(batch) = query.next().await.unwrap_or_else(|error| panic!("{error}")) {
            for (column, ty) in batch.rows().columns().iter().zip(&types).filter(|_| batch.num_rows() > 0) {
                let mut value = String::new();
                print_value(column.as_ref(), 0, ty, chrono_tz::UTC, PrintStyle::Client, &mut value);
                values.push(value);
            }
        }
        values
    }

    /// What doesn't give its result.
    async fn wrong(examples: &[Example], from: &str) -> Vec<String> {
        let calls: Vec<String> = examples.iter().enumerate().map(|(i, e)| format!("{} AS c{i}", e.call)).collect();
        let values = values(&format!("SELECT {}{from}", calls.join(", "))).await;
        assert_eq!(values.len(), examples.len());
        examples
            .iter()
            .zip(&values)
            .filter(|(example, value)| !example.varies && example.result != *value)
            .map(|(example, value)| format!("{example}, but it gives {value}"))
            .collect()
    }

    #[tokio::test]
    async fn every_example_gives_its_result() {
        let aggregates: Vec<&str> = aggregate::all().iter().map(|function| function.name()).collect();
        let (of_rows, of_values): (Vec<_>, Vec<_>) = all().partition(|e| aggregates.contains(&e.name));
        let mut wrong_ones = wrong(&of_values, "").await;
        wrong_ones.extend(wrong(&of_rows, " FROM (VALUES (3), (4), (4), (CAST(NULL AS INT))) AS t (x)").await);
        assert!(wrong_ones.is_empty(), "{}", wrong_ones.join("\n"));
    }

    #[test]
    fn every_function_has_an_example() {
        let functions = library::all().into_iter().map(|function| function.name());
        let names = functions.chain(aggregate::all().into_iter().map(|function| function.name()));
        let missing: Vec<&str> = names.filter(|name| of(name).is_none()).collect();
        assert!(missing.is_empty(), "src/functions/examples.txt has no example of {missing:?}");
    }
}
