//! GROUPING SETS, ROLLUP and CUBE: which sets of keys a GROUP BY is by, and the functions that tell them apart.
//!
//! Several sets are one grouping over copies of the rows, one per set, in which the keys that a set leaves out are NULL
//! and the number of the set is one more key.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, lit};
use datafusion::sql::sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::relation::{Relation, internal};
use crate::error::{Error, Result};
use crate::functions::TypedExpr;
use crate::plan::expand::Expand;
use crate::span::Span;
use crate::types::{Field, SqlType, TypeKind};

/// So many sets are surely a slip.
const SETS_MAX: usize = 4096;

/// A GROUP BY written out: its expressions, and which of them each set has.
pub(super) struct WrittenSets {
    pub exprs: Vec<ast::Expr>,
    sets: Vec<Vec<usize>>,
}

impl WrittenSets {
    pub(super) fn of(group_by: &[ast::Expr]) -> Result<Self> {
        let mut sets: Vec<Vec<ast::Expr>> = vec![Vec::new()];
        for element in group_by {
            let of_element = sets_of(element)?;
            if sets.len() * of_element.len() > SETS_MAX {
                return Err(too_many().at(Span::from_ast(element.span())));
            }
            let with = |set: &Vec<ast::Expr>| {
                let joined = of_element.iter().map(|more| set.iter().chain(more).cloned().collect());
                joined.collect::<Vec<Vec<ast::Expr>>>()
            };
            sets = sets.iter().flat_map(with).collect();
        }
        let mut exprs: Vec<ast::Expr> = Vec::new();
        let mut place = |expr: ast::Expr| match exprs.iter().position(|known| *known == expr) {
            Some(place) => place,
            None => {
                exprs.push(expr);
                exprs.len() - 1
            }
        };
        let sets = sets.into_iter().map(|set| set.into_iter().map(&mut place).collect()).collect();
        Ok(Self { exprs, sets })
    }

    pub(super) fn are_several(&self) -> bool {
        self.sets.len() > 1
    }

    /// The sets over the keys of a grouping, where there are several. `places`: the key of each expression. Keys that a
    /// set leaves out become nullable.
    pub(super) fn over(
        self,
        places: &[Option<usize>],
        keys: &mut [(TypedExpr, String)],
        input: &Relation,
    ) -> Option<GroupingSets> {
        if self.sets.len() == 1 {
            return None;
        }
        let is_everywhere = |key: usize| !places.contains(&Some(key));
        let has = |set: &Vec<usize>, key: usize| set.iter().any(|expr| places[*expr] == Some(key));
        let kept = |set: &Vec<usize>| (0..keys.len()).map(|key| is_everywhere(key) || has(set, key)).collect();
        let mut sets: Vec<Vec<bool>> = self.sets.iter().map(kept).collect();
        for (i, (key, _)) in keys.iter_mut().enumerate() {
            key.ty.nullable |= sets.iter().any(|set| !set[i]);
        }
        // As Flink orders them: by the columns of the input, sets with the first ones first.
        let column = |key: &TypedExpr| input.columns.iter().position(|c| key.expr == Expr::Column(c.column.clone()));
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|&i| column(&keys[i].0).unwrap_or(usize::MAX));
        sets.sort_by_key(|set| order.iter().map(|&i| !set[i]).collect::<Vec<bool>>());
        let names = input.columns.iter().map(|column| column.field.name.as_str());
        let taken: Vec<&str> = names.chain(keys.iter().map(|(_, name)| name.as_str())).collect();
        let mut prefix = "$".to_string();
        while taken.iter().any(|name| name.starts_with(&prefix)) {
            prefix.push('$');
        }
        Some(GroupingSets { sets, prefix })
    }
}

fn too_many() -> Error {
    Error::statement(format!("GROUP BY has more than {SETS_MAX} grouping sets"))
}

/// The sets that one element of GROUP BY stands for: alone it stands for the set of itself.
fn sets_of(element: &ast::Expr) -> Result<Vec<Vec<ast::Expr>>> {
    match element {
        ast::Expr::GroupingSets(sets) => {
            let of = |set: &Vec<ast::Expr>| match set.as_slice() {
                [one] => sets_of(one),
                _ => Ok(vec![set.clone()]),
            };
            Ok(sets.iter().map(of).collect::<Result<Vec<_>>>()?.concat())
        }
        ast::Expr::Rollup(parts) => Ok(rollup(parts)),
        ast::Expr::Cube(parts) => cube(parts).map_err(|error| error.at(Span::from_ast(element.span()))),
        // Inside GROUPING SETS they are read as calls.
        ast::Expr::Function(call) => match (call.name.to_string().to_uppercase().as_str(), parts_of(call)) {
            ("ROLLUP", Some(parts)) => Ok(rollup(&parts)),
            ("CUBE", Some(parts)) => cube(&parts).map_err(|error| error.at(Span::from_ast(element.span()))),
            _ => Ok(vec![vec![element.clone()]]),
        },
        ast::Expr::Tuple(exprs) => Ok(vec![exprs.clone()]),
        ast::Expr::Nested(inner) => Ok(vec![vec![inner.as_ref().clone()]]),
        other => Ok(vec![vec![other.clone()]]),
    }
}

/// The arguments of a call, each a list of one or, in parentheses, of several.
fn parts_of(call: &ast::Function) -> Option<Vec<Vec<ast::Expr>>> {
    let FunctionArguments::List(list) = &call.args else { return None };
    let part = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Tuple(exprs))) => Some(exprs.clone()),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Nested(expr))) => Some(vec![expr.as_ref().clone()]),
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(vec![expr.clone()]),
        _ => None,
    };
    list.args.iter().map(part).collect()
}

/// All parts, all but the last, …, none.
fn rollup(parts: &[Vec<ast::Expr>]) -> Vec<Vec<ast::Expr>> {
    once_each((0..=parts.len()).rev().map(|length| parts[..length].concat()))
}

/// Every choice of parts.
fn cube(parts: &[Vec<ast::Expr>]) -> Result<Vec<Vec<ast::Expr>>> {
    let choices = u32::try_from(parts.len()).ok().and_then(|parts| 1usize.checked_shl(parts));
    let choices = choices.filter(|choices| *choices <= SETS_MAX).ok_or_else(too_many)?;
    let chosen = |choice: usize| {
        let kept = parts.iter().enumerate().filter(move |(i, _)| choice & (1 << i) == 0);
        kept.flat_map(|(_, part)| part.iter().cloned()).collect()
    };
    Ok(once_each((0..choices).map(chosen)))
}

/// Of sets with the same expressions the first: those of one ROLLUP or CUBE don't repeat each other.
fn once_each(sets: impl Iterator<Item = Vec<ast::Expr>>) -> Vec<Vec<ast::Expr>> {
    let mut known: HashSet<BTreeSet<String>> = HashSet::new();
    sets.filter(|set| known.insert(set.iter().map(ToString::to_string).collect())).collect()
}

/// The sets of a grouping, in order.
pub(super) struct GroupingSets {
    /// Which keys each has.
    sets: Vec<Vec<bool>>,
    /// In front of the names that are made up here.
    prefix: String,
}

impl GroupingSets {
    fn set_name(&self) -> String {
        format!("{}e", self.prefix)
    }

    /// The key that numbers the sets, behind all others.
    pub(super) fn field(&self) -> Field {
        Field::new(self.set_name(), SqlType::not_null(TypeKind::BigInt))
    }

    /// The input with a copy of every row per set, and the keys over it.
    pub(super) fn expanded(
        &self,
        input: LogicalPlan,
        keys: &[(TypedExpr, String)],
    ) -> Result<(LogicalPlan, Vec<Expr>)> {
        let is_left_out = |i: usize| self.sets.iter().any(|set| !set[i]);
        let moved: Vec<usize> = (0..keys.len()).filter(|i| is_left_out(*i)).collect();
        let name = |i: usize| format!("{}{}", self.prefix, keys[i].1);
        let exprs = moved.iter().map(|&i| keys[i].0.expr.clone()).collect();
        let sets = self.sets.iter().map(|set| moved.iter().map(|&i| set[i]).collect()).collect();
        let names = moved.iter().map(|&i| name(i)).collect();
        let node = Expand::try_new(input, exprs, names, self.set_name(), sets).map_err(internal)?;
        let column = |name: String| Expr::Column(Column::new_unqualified(name));
        let key = |i: usize| if is_left_out(i) { column(name(i)) } else { keys[i].0.expr.clone() };
        let keys = (0..keys.len()).map(key).chain([column(self.set_name())]).collect();
        Ok((LogicalPlan::Extension(Extension { node: Arc::new(node) }), keys))
    }

    /// What a function says of each set.
    fn value_per_set(&self, value: impl Fn(usize) -> i64) -> Expr {
        let values: Vec<i64> = (0..self.sets.len()).map(value).collect();
        let last = values.last().copied().unwrap_or_default();
        if values.iter().all(|value| *value == last) {
            return lit(last);
        }
        let set = Expr::Column(Column::new_unqualified(self.set_name()));
        let others = values[..values.len() - 1].iter().enumerate();
        let when = others.map(|(i, value)| (Box::new(set.clone().eq(lit(i as i64))), Box::new(lit(*value))));
        Expr::Case(Case::new(None, when.collect(), Some(Box::new(lit(last)))))
    }
}

/// True for `GROUPING`, `GROUPING_ID` and `GROUP_ID`.
pub(super) fn is_of_grouping(call: &ast::Function) -> bool {
    let name = call.name.to_string().to_uppercase();
    crate::functions::library::names::OF_GROUPINGS.contains(&name.as_str())
}

/// `GROUPING(a, b)`: a bit per argument, the last one lowest, which is 1 where the set leaves the argument out;
/// `GROUP_ID()`: how many sets before have the same keys. `key` finds the key that an argument is.
pub(super) fn of_grouping(
    call: &ast::Function,
    sets: Option<&GroupingSets>,
    key: impl Fn(&ast::Expr) -> Result<Option<usize>>,
) -> Result<TypedExpr> {
    let name = call.name.to_string().to_uppercase();
    let FunctionArguments::List(list) = &call.args else {
        return Err(Error::statement(format!("{name} needs parentheses")));
    };
    let mut arguments = Vec::with_capacity(list.args.len());
    for argument in &list.args {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
            return Err(Error::statement(format!("{name} does not take \"{argument}\"")));
        };
        let Some(key) = key(expr)? else {
            return Err(Error::statement(format!("the argument {expr} of {name} is not grouped by"))
                .with_hint("Its arguments are expressions of GROUP BY.")
                .at(Span::from_ast(expr.span())));
        };
        arguments.push(key);
    }
    let is_id = name == "GROUP_ID";
    if is_id != arguments.is_empty() || arguments.len() > 63 {
        let usage = if is_id { "takes no arguments" } else { "takes from 1 to 63 arguments" };
        return Err(Error::statement(format!("{name} {usage}")));
    }
    let value = match sets {
        None => lit(0i64),
        Some(GroupingSets { sets: all, .. }) if is_id => sets.map_or(lit(0i64), |sets| {
            sets.value_per_set(|i| all[..i].iter().filter(|set| **set == all[i]).count() as i64)
        }),
        Some(sets) => sets.value_per_set(|i| {
            arguments.iter().fold(0, |bits, &argument| bits << 1 | i64::from(!sets.sets[i][argument]))
        }),
    };
    Ok(TypedExpr::new(value, SqlType::not_null(TypeKind::BigInt)))
}
