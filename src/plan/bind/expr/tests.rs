//! Expressions against Flink's answers.
//!
//! `tests/golden/functions/*.tsv` holds what Flink 2.2 said: expression, type, value as text. Every expression is bound,
//! evaluated as it is and once more simplified, and held against DataFusion's own type coercion, which must have nothing
//! left to do. `differences.tsv` lists where we answer otherwise, and why.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, Time32MillisecondArray, TimestampMillisecondArray,
};
use chrono_tz::Tz;
use datafusion::common::{Column, DFSchema};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{EmptyRelation, Expr, LogicalPlan, Projection, physical_planning_context};
use datafusion::optimizer::analyzer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::create_physical_expr;
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::parser::Parser;

use super::{ExprContext, NoColumns, Scope, bind_expr, bind_predicate};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::functions::TypedExpr;
use crate::span::Span;
use crate::sql::FlinkDialect;
use crate::time::ManualClock;
use crate::types::{Field, Schema, SqlType};

/// 2020-01-31 10:11:12.123 UTC.
const NOW: i64 = 1_580_465_472_123;

/// The table of the golden files: one row, here twice.
struct Table {
    zone: Tz,
    schema: Schema,
    batch: RecordBatch,
}

impl Table {
    fn new() -> Self {
        Self::in_zone(Tz::UTC)
    }

    fn in_zone(zone: Tz) -> Self {
        fn twice<T: Clone>(value: T) -> Vec<T> {
            vec![value.clone(), value]
        }
        let times = || TimestampMillisecondArray::from(twice(NOW));
        let decimals = |n: i128| Decimal128Array::from(twice(n)).with_precision_and_scale(10, 2).unwrap();
        let columns: Vec<(&str, &str, ArrayRef)> = vec![
            ("i", "INT", Arc::new(Int32Array::from(twice(7)))),
            ("b", "BIGINT", Arc::new(Int64Array::from(twice(9_000_000_000)))),
            ("d", "DECIMAL(10, 2)", Arc::new(decimals(250))),
            ("db", "DOUBLE", Arc::new(Float64Array::from(twice(0.1)))),
            ("f", "FLOAT", Arc::new(Float32Array::from(twice(0.1)))),
            ("s", "STRING", Arc::new(StringArray::from(twice("abc")))),
            ("v", "VARCHAR(5)", Arc::new(StringArray::from(twice("1")))),
            ("ts", "TIMESTAMP(3)", Arc::new(times())),
            ("ltz", "TIMESTAMP_LTZ(3)", Arc::new(times().with_timezone("UTC"))),
            ("dt", "DATE", Arc::new(Date32Array::from(twice(18_292)))),
            ("n", "INT", Arc::new(Int32Array::from(twice(None::<i32>)))),
            ("zi", "INT", Arc::new(Int32Array::from(twice(0)))),
            ("zd", "DOUBLE", Arc::new(Float64Array::from(twice(0.0)))),
            ("zdec", "DECIMAL(10, 2)", Arc::new(decimals(0))),
            ("ti", "TINYINT", Arc::new(Int8Array::from(twice(3)))),
            ("si", "SMALLINT", Arc::new(Int16Array::from(twice(4)))),
            ("bo", "BOOLEAN", Arc::new(BooleanArray::from(twice(true)))),
            ("tm", "TIME(0)", Arc::new(Time32MillisecondArray::from(twice(36_672_000)))),
            ("ns", "STRING", Arc::new(StringArray::from(twice(None::<&str>)))),
            ("nd", "DOUBLE", Arc::new(Float64Array::from(twice(None::<f64>)))),
            ("nts", "TIMESTAMP(3)", Arc::new(TimestampMillisecondArray::from(twice(None::<i64>)))),
        ];
        let field = |(name, ty, _): &(&str, &str, ArrayRef)| Field::new(*name, SqlType::parse(ty).unwrap());
        let schema = columns.iter().map(field).collect::<Schema>();
        let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
        Self { zone, batch: RecordBatch::try_new(schema.arrow(), arrays).unwrap(), schema }
    }

    fn df_schema(&self) -> DFSchema {
        DFSchema::try_from(self.schema.arrow()).unwrap()
    }

    fn evaluate(&self, expr: &Expr) -> Result<ArrayRef> {
        let context = physical_planning_context::PhysicalPlanningContext::default();
        let failed = |e| Error::from_datafusion(ErrorKind::Data, e);
        let physical =
            create_physical_expr(expr, &self.df_schema(), &ExecutionProps::new(), &context).map_err(failed)?;
        let value = physical.evaluate(&self.batch).map_err(failed)?;
        value.into_array(self.batch.num_rows()).map_err(failed)
    }

    fn simplified(&self, expr: &Expr) -> Expr {
        let context = SimplifyContext::builder().with_schema(Arc::new(self.df_schema())).build();
        ExprSimplifier::new(context).simplify(expr.clone()).unwrap()
    }
}

impl Scope for Table {
    fn resolve(&self, parts: &[ast::Ident]) -> Result<(TypedExpr, usize)> {
        let (name, taken) = match parts {
            [table, column, ..] if table.value == "t" => (column, 2),
            [column, ..] => (column, 1),
            [] => return Err(Error::internal("a name without parts")),
        };
        match self.schema.index_of(&name.value) {
            Some(index) => {
                let column = Expr::Column(Column::from_name(&name.value));
                Ok((TypedExpr::new(column, self.schema.fields[index].ty.clone()), taken))
            }
            None => {
                let error = Error::statement(format!("column \"{}\" not found", name.value));
                let error = error.at(Span::from_ast(name.span));
                Err(match did_you_mean(&name.value, self.schema.names()) {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                })
            }
        }
    }
}

fn parse(sql: &str) -> Result<ast::Expr> {
    let dialect = FlinkDialect::default();
    let parsed = Parser::new(&dialect).try_with_sql(sql).and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|e| Error::statement(e.to_string()))
}

fn context(zone: Tz) -> ExprContext {
    ExprContext::new(zone, Arc::new(ManualClock::new(NOW)))
}

fn bind(sql: &str, table: &Table) -> Result<TypedExpr> {
    bind_expr(&parse(sql)?, table, &context(table.zone))
}

/// Fails where DataFusion would still change the expression, or sees another type than ours.
fn assert_finished(sql: &str, typed: &TypedExpr, table: &Table) {
    let schema = Arc::new(table.df_schema());
    let input = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema });
    let projection = Projection::try_new(vec![typed.expr.clone().alias("c")], Arc::new(input));
    let plan = LogicalPlan::Projection(projection.unwrap_or_else(|e| panic!("{sql}: {e}")));
    let coerced = TypeCoercion::new().analyze(plan.clone(), &ConfigOptions::default());
    let coerced = coerced.unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(coerced, plan, "DataFusion would coerce {sql}");
    assert_eq!(*plan.schema().field(0).data_type(), typed.ty.arrow(), "the type of {sql}");
}

/// Type and value as text, the value computed twice over: as bound, and simplified.
fn answer(sql: &str, table: &Table) -> Result<(String, String)> {
    let typed = bind(sql, table)?;
    assert_finished(sql, &typed, table);
    let array = table.evaluate(&typed.expr)?;
    assert_eq!(*array.data_type(), typed.ty.arrow(), "the Arrow type of {sql}");
    assert!(typed.ty.nullable || array.null_count() == 0, "{sql} is NULL, yet {}", typed.ty);
    let text = bind(&format!("CAST(({sql}) AS STRING)"), table)?;
    let (plain, simplified) = (table.evaluate(&text.expr)?, table.evaluate(&table.simplified(&text.expr))?);
    let shown = |array: &ArrayRef, row: usize| match array.as_string::<i32>() {
        texts if texts.is_null(row) => "<NULL>".to_string(),
        texts => texts.value(row).to_string(),
    };
    if !typed.expr.is_volatile() {
        assert_eq!(shown(&plain, 0), shown(&simplified, 1), "{sql} differs once it is simplified");
    }
    Ok((typed.ty.to_string(), shown(&plain, 0)))
}

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(|l| l.split('\t').collect())
}

/// Holds every line of a golden file; all that differ are listed.
fn assert_golden(golden: &'static str, zone: Tz) {
    let table = Table::in_zone(zone);
    let differences = lines(include_str!("../../../../tests/golden/functions/differences.tsv"))
        .map(|row| (row[0], (row[1], row[2])))
        .collect::<HashMap<_, _>>();
    let mut wrong = Vec::new();
    for row in lines(golden) {
        let [sql, ty, value] = row[..] else { panic!("{row:?}") };
        // Flink's planner keeps an interval's written fields; we have one type for days and one for months.
        let ty = ty.replace("INTERVAL SECOND(3)", "INTERVAL DAY TO SECOND(3)");
        let ty = ty.replace("INTERVAL MONTH", "INTERVAL YEAR TO MONTH");
        let (ty, value) = differences.get(sql).copied().unwrap_or((&ty, value));
        let expected = if ty == "<ERROR>" { None } else { Some((ty.to_string(), value.to_string())) };
        let actual = answer(sql, &table);
        if actual.as_ref().ok() != expected.as_ref() {
            let shown = match &actual {
                Ok((ty, value)) => format!("{ty}\t{value}"),
                Err(error) => error.message().to_string(),
            };
            wrong.push(format!("{sql}\t{shown}\n    instead of {ty}\t{value}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! golden {
    ($($test:ident $file:literal $zone:expr;)*) => {
        $(#[test]
        fn $test() {
            assert_golden(include_str!(concat!("../../../../tests/golden/functions/", $file)), $zone);
        })*
    };
}

golden! {
    operators_and_literals_are_flinks "operators.tsv" Tz::UTC;
    conditional_expressions_are_flinks "conditional.tsv" Tz::UTC;
    text_functions_are_flinks "text.tsv" Tz::UTC;
    math_functions_are_flinks "math.tsv" Tz::UTC;
    temporal_functions_are_flinks "temporal.tsv" Tz::UTC;
    collections_are_flinks "collection.tsv" Tz::UTC;
    the_session_zone_counts_as_in_flink "zone.tsv" Tz::America__New_York;
}

#[test]
fn errors_name_the_thing_its_place_and_the_fix() {
    let table = Table::new();
    let cases = [
        ("i + zz", "column \"zz\" not found", Some((5, 7))),
        ("1 + UPER(s)", "function \"UPER\" not found", Some((5, 9))),
        ("JSON_VALUE(s, 'x')", "function JSON_VALUE is not supported yet", Some((1, 11))),
        ("SUM(i)", "the aggregate function SUM can't stand here", Some((1, 4))),
        ("ROW_NUMBER() OVER (ORDER BY i)", "OVER windows are not supported yet: ROW_NUMBER", None),
        ("i + s", "cannot apply '+' to arguments of type INT, STRING", Some((1, 6))),
        ("UPPER(i)", "cannot apply 'UPPER' to arguments of type INT", None),
        ("i IN (SELECT 1)", "IN with a subquery is not supported", None),
        ("EXISTS (SELECT 1)", "EXISTS is not supported", None),
        ("s = 1", "cannot apply '=' to arguments of type STRING, INT", None),
        ("i = NULL + 1", "NULL has no type here", None),
    ];
    for (sql, message, columns) in cases {
        let error = bind(sql, &table).expect_err(sql);
        assert_eq!(error.message(), message, "{sql}");
        assert_eq!(error.kind(), ErrorKind::Statement, "{sql}");
        if let Some((from, to)) = columns {
            let span = error.span().expect(sql);
            assert_eq!((span.start.column, span.end.column), (from, to), "the place of the error in {sql}");
        }
    }
    assert_eq!(bind("UPER(s)", &table).unwrap_err().hint(), Some("Did you mean \"UPPER\"?"));
}

#[test]
fn processing_time_comes_from_the_clock_and_is_a_time_attribute() {
    let table = Table::new();
    let proctime = bind("PROCTIME()", &table).unwrap();
    assert_eq!(proctime.ty.to_string(), "TIMESTAMP_LTZ(3) NOT NULL");
    assert_eq!(proctime.time_attribute, Some(crate::types::TimeAttribute::Proctime));
    let text = |sql: &str| {
        let typed = bind(&format!("CAST({sql} AS STRING)"), &table).unwrap();
        table.evaluate(&typed.expr).unwrap().as_string::<i32>().value(1).to_string()
    };
    assert_eq!(text("PROCTIME()"), "2020-01-31 10:11:12.123");
    assert_eq!(text("CURRENT_TIMESTAMP"), "2020-01-31 10:11:12.123");
    assert_eq!(text("LOCALTIMESTAMP"), "2020-01-31 10:11:12.123");
    assert_eq!(text("CURRENT_DATE"), "2020-01-31");
    assert_eq!(text("CURRENT_TIME"), "10:11:12");
    assert_eq!(text("UNIX_TIMESTAMP()"), "1580465472");
}

#[test]
fn a_clock_is_read_anew_although_the_plan_is_simplified() {
    let table = Table::new();
    for sql in ["CURRENT_TIMESTAMP", "NOW()", "PROCTIME()", "RAND()", "RAND_INTEGER(5)", "UUID()", "UNIX_TIMESTAMP()"] {
        let typed = bind(sql, &table).unwrap();
        assert!(table.simplified(&typed.expr).is_volatile(), "{sql}");
    }
}

#[test]
fn seeded_sequences_go_on_from_batch_to_batch() {
    let table = Table::new();
    let typed = bind("RAND_INTEGER(42, 10)", &table).unwrap();
    let draw = || table.evaluate(&typed.expr).unwrap().as_primitive::<arrow::datatypes::Int32Type>().values().to_vec();
    assert_eq!(draw(), [0, 3]);
    assert_eq!(draw(), [8, 4]);
}

#[test]
fn constants_are_cast_while_planning_so_that_pushdown_sees_them() {
    let table = Table::new();
    assert_eq!(bind("b > 80", &table).unwrap().expr.to_string(), "b > Int64(80)");
    assert_eq!(bind("d > 2.5", &table).unwrap().expr.to_string(), "d > Decimal128(2.50,10,2)");
    assert_eq!(bind("s = 'x' AND i <> 3", &table).unwrap().expr.to_string(), "s = Utf8(\"x\") AND i != Int32(3)");
    assert_eq!(bind("i IN (1, 2)", &table).unwrap().expr.to_string(), "i IN ([Int32(1), Int32(2)])");
}

#[test]
fn an_expression_without_a_table_has_no_columns() {
    let expr = parse("a + 1").unwrap();
    assert!(bind_expr(&expr, &NoColumns, &context(Tz::UTC)).is_err());
    let expr = parse("1 + 1").unwrap();
    let error = bind_predicate(&expr, &NoColumns, &context(Tz::UTC), "WHERE").unwrap_err();
    assert_eq!(error.message(), "the condition of WHERE is INT, not BOOLEAN");
}

#[test]
fn every_function_is_found_by_all_its_names_and_says_how_it_is_used() {
    use crate::functions::library;
    for function in library::all() {
        for name in std::iter::once(&function.name()).chain(function.aliases()) {
            assert_eq!(library::find(&name.to_lowercase()).map(|f| f.name()), Some(function.name()));
            assert!(!library::names::NOT_YET.contains(name), "{name} is here");
        }
        assert!(function.usage().ends_with('.') && function.usage().contains(function.name()), "{}", function.name());
    }
}
