//! Groupings of a batch query: DataFusion's, with its own functions where their rules are Flink's.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate as DfAggregate, AggregateUDF, BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder,
    Operator, lit,
};

use super::udaf::FlinkUdaf;
use super::{Translation, in_batch};
use crate::error::Result;
use crate::functions::TypedExpr;
use crate::functions::cast::{CastMode, cast};
use crate::plan::aggregate::{Aggregate, BoundCall};
use crate::plan::expand::Expand;
use crate::plan::lower::internal;
use crate::time::SystemClock;
use crate::types::{SqlType, TypeKind};

impl Translation {
    pub(super) fn aggregate(&self, aggregate: &Aggregate) -> Result<LogicalPlan> {
        if has_only_empty_sets(aggregate) {
            // Each of them has a row even where there is none.
            return Err(in_batch("GROUPING SETS of empty sets alone"));
        }
        let input = self.node(&aggregate.input)?;
        // Everything that a grouping reads is a column below it.
        let mut below = Below { columns: Vec::new() };
        let mut keys = Vec::with_capacity(aggregate.keys.len());
        for key in &aggregate.keys {
            keys.push(below.column(canonical(self.expr(key.clone())?, input.schema())?));
        }
        let mut grouping = Grouping { calls: Vec::new() };
        let mut results = Vec::with_capacity(aggregate.calls.len());
        for call in &aggregate.calls {
            let mut columns = |expr: &Expr| Ok(below.column(self.expr(expr.clone())?));
            let arguments = call.arguments.iter().map(&mut columns).collect::<Result<Vec<Expr>>>()?;
            let filter = call.filter.as_ref().map(&mut columns).transpose()?;
            results.push(grouping.result(call, arguments, filter)?);
        }
        if keys.is_empty() && grouping.calls.is_empty() {
            grouping.call(count_udaf(), vec![lit(1i64)], false, None);
        }
        if below.columns.is_empty() {
            below.column(lit(true));
        }
        let input = LogicalPlanBuilder::from(input).project(below.columns).and_then(|b| b.build()).map_err(internal)?;
        let grouped = DfAggregate::try_new(Arc::new(input), keys.clone(), grouping.calls).map_err(internal)?;
        let names = aggregate.schema.fields().iter().map(|field| field.name());
        let out = keys.into_iter().chain(results).zip(names).map(|(expr, name)| expr.alias(name));
        let builder = LogicalPlanBuilder::from(LogicalPlan::Aggregate(grouped));
        builder.project(out).and_then(|b| b.build()).map_err(internal)
    }
}

fn has_only_empty_sets(aggregate: &Aggregate) -> bool {
    let LogicalPlan::Extension(extension) = &aggregate.input else { return false };
    let expand = extension.node.as_any().downcast_ref::<Expand>();
    aggregate.keys.len() == 1 && expand.is_some_and(|expand| expand.keys.is_empty())
}

/// A key in which equal values have equal bits: 0.0 for -0.0.
fn canonical(key: Expr, schema: &DFSchema) -> Result<Expr> {
    let zero = match key.get_type(schema).map_err(internal)? {
        DataType::Float64 => lit(0.0f64),
        DataType::Float32 => lit(0.0f32),
        _ => return Ok(key),
    };
    Ok(Expr::BinaryExpr(BinaryExpr::new(Box::new(key), Operator::Plus, Box::new(zero))))
}

/// The projection below a grouping.
struct Below {
    columns: Vec<Expr>,
}

impl Below {
    /// The column that holds `expr`; each expression once.
    fn column(&mut self, expr: Expr) -> Expr {
        let known = self.columns.iter().position(|column| matches!(column, Expr::Alias(a) if *a.expr == expr));
        let at = known.unwrap_or_else(|| {
            self.columns.push(expr.alias(format!("$in{}", self.columns.len())));
            self.columns.len() - 1
        });
        Expr::Column(Column::new_unqualified(format!("$in{at}")))
    }
}

/// The calls of DataFusion's functions.
struct Grouping {
    calls: Vec<Expr>,
}

impl Grouping {
    /// Adds a call and gives its column.
    fn call(&mut self, udf: Arc<AggregateUDF>, arguments: Vec<Expr>, distinct: bool, filter: Option<Expr>) -> Expr {
        let name = format!("$agg{}", self.calls.len());
        let call = AggregateFunction::new_udf(udf, arguments, distinct, filter.map(Box::new), Vec::new(), None);
        self.calls.push(Expr::AggregateFunction(call).alias(name.clone()));
        Expr::Column(Column::new_unqualified(name))
    }

    /// What a call of Flink's is over the columns of the grouping.
    fn result(&mut self, call: &BoundCall, arguments: Vec<Expr>, filter: Option<Expr>) -> Result<Expr> {
        let flink = FlinkUdaf::of(call)?;
        let kind = call.types.arguments.first().map(|ty| &ty.kind);
        let is_float = matches!(kind, Some(TypeKind::Float | TypeKind::Double));
        let name = call.function.name();
        match (name, kind) {
            ("COUNT", None) => Ok(self.call(count_udaf(), vec![lit(1i64)], false, filter)),
            ("COUNT", Some(_)) if !(call.distinct && is_float) => {
                Ok(self.call(count_udaf(), arguments, call.distinct, filter))
            }
            ("MIN", Some(_)) if !is_float => Ok(self.call(min_udaf(), arguments, false, filter)),
            ("MAX", Some(_)) if !is_float => Ok(self.call(max_udaf(), arguments, false, filter)),
            ("SUM" | "AVG", Some(TypeKind::Double)) if !call.distinct => {
                let udf = if name == "SUM" { sum_udaf() } else { avg_udaf() };
                Ok(self.call(udf, arguments, false, filter))
            }
            ("SUM" | "AVG", Some(kind)) if kind.is_integer() => {
                let long = |expr| Expr::Cast(Cast::new(Box::new(expr), DataType::Int64));
                let longs: Vec<Expr> = arguments.into_iter().map(long).collect();
                let sum = self.call(sum_udaf(), longs.clone(), call.distinct, filter.clone());
                if name == "SUM" {
                    return wrapped(sum, &call.types.returns);
                }
                // The mean of integers is one, cut off. Without any, the sum is NULL and nothing is divided.
                let count = self.call(count_udaf(), longs, call.distinct, filter);
                wrapped(
                    Expr::BinaryExpr(BinaryExpr::new(Box::new(sum), Operator::Divide, Box::new(count))),
                    &call.types.returns,
                )
            }
            _ => Ok(self.call(flink, arguments, false, filter)),
        }
    }
}

/// A BIGINT as an integer of another size, which takes its lowest bits.
fn wrapped(expr: Expr, to: &SqlType) -> Result<Expr> {
    let long = TypedExpr::new(expr, SqlType::nullable(TypeKind::BigInt));
    let typed = cast(long, to, CastMode::Explicit, chrono_tz::Tz::UTC, Arc::new(SystemClock))?;
    Ok(typed.expr)
}
