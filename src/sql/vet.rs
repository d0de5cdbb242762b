//! What sqlparser reads and Flink doesn't: refused here, by name and place, because nothing further on looks for it.
//!
//! OPTIONS hints find their tables here too.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, DateTimeField, Distinct, Expr, GroupByExpr, Ident, Interval, LimitClause, OrderByKind, Query, Select,
    SelectItem, SetExpr, SetQuantifier, Spanned, TableAlias, TableFactor, TableVersion, TypedString, UnaryOperator,
    Value, WildcardAdditionalOptions,
};

use super::cursor::reserved;
use super::hints::{self, TableHint};
use super::reserved::is_reserved;
use super::walk::{Node, NodeMut, walk, walk_mut};
use crate::error::{Error, Result};
use crate::span::Span;

/// Checks a query, which stands at `span`, and hands its tables their hints. Returns the hints of other tables.
pub(super) fn query(query: &mut Query, hints: Vec<TableHint>, span: Span) -> Result<Vec<TableHint>> {
    let mut vetting = Vetting { hints, span };
    let mut found = Ok(());
    let _ = walk_mut(query, &mut |node| {
        found = match node {
            NodeMut::Query(query) => vetting.check_query(query),
            NodeMut::Select(select) => vetting.check_select(select),
            NodeMut::Table(table) => vetting.check_table(table),
            NodeMut::Expr(expr) => check_expr(expr, vetting.span),
            NodeMut::Done(_) => Ok(()),
        };
        goes_on(&found)
    });
    found.map(|()| vetting.hints)
}

/// Checks an expression outside a query.
pub(super) fn expr(expr: &Expr, span: Span) -> Result<()> {
    let mut found = Ok(());
    let _ = walk(expr, &mut |node| {
        found = match node {
            Node::Expr(expr) => check_expr(expr, span),
            Node::Query(query) => {
                let span = Span::from_ast(query.span()).unwrap_or(span);
                Err(Error::statement("a query is not possible in this expression").at(span))
            }
        };
        goes_on(&found)
    });
    found
}

fn goes_on(found: &Result<()>) -> ControlFlow<()> {
    if found.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

struct Vetting {
    hints: Vec<TableHint>,
    /// Where nothing more exact is known.
    span: Span,
}

/// The first construct whose condition holds, as an error.
fn refuse(span: Span, constructs: &[(bool, &str)]) -> Result<()> {
    match constructs.iter().find(|(present, _)| *present) {
        Some((_, construct)) => Err(Error::unsupported(construct).at(span)),
        None => Ok(()),
    }
}

impl Vetting {
    fn place(&self, node: &impl Spanned) -> Span {
        Span::from_ast(node.span()).unwrap_or(self.span)
    }

    fn check_query(&self, query: &Query) -> Result<()> {
        let limit_by =
            |limit: &LimitClause| matches!(limit, LimitClause::LimitOffset { limit_by, .. } if !limit_by.is_empty());
        let with = query.with.as_ref();
        let ctes = with.map(|with| with.cte_tables.as_slice()).unwrap_or_default();
        let fetch = query.fetch.as_ref();
        let order_by = query.order_by.as_ref();
        refuse(
            self.place(query),
            &[
                (with.is_some_and(|with| with.recursive), "WITH RECURSIVE"),
                (ctes.iter().any(|cte| cte.from.is_some() || cte.materialized.is_some()), "WITH ... AS MATERIALIZED"),
                (matches!(query.limit_clause, Some(LimitClause::OffsetCommaLimit { .. })), "LIMIT start, count"),
                (query.limit_clause.as_ref().is_some_and(limit_by), "LIMIT BY"),
                (fetch.is_some_and(|fetch| fetch.with_ties), "FETCH ... WITH TIES"),
                (fetch.is_some_and(|fetch| fetch.percent), "FETCH ... PERCENT"),
                (order_by.is_some_and(|by| matches!(by.kind, OrderByKind::All(_))), "ORDER BY ALL"),
                (order_by.is_some_and(|by| by.interpolate.is_some()), "INTERPOLATE"),
                (!query.locks.is_empty(), "FOR UPDATE"),
                (query.for_clause.is_some(), "FOR XML, FOR JSON and FOR BROWSE"),
                (query.settings.is_some(), "SETTINGS in a query"),
                (query.format_clause.is_some(), "FORMAT in a query"),
                (!query.pipe_operators.is_empty(), "pipe syntax"),
            ],
        )?;
        for cte in ctes {
            check_alias(&cte.alias)?;
        }
        self.check_body(&query.body)
    }

    fn check_body(&self, body: &SetExpr) -> Result<()> {
        match body {
            SetExpr::SetOperation { left, right, set_quantifier, .. } => {
                let by_name = matches!(
                    set_quantifier,
                    SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName
                );
                refuse(self.place(body), &[(by_name, "UNION BY NAME")])?;
                self.check_body(left)?;
                self.check_body(right)
            }
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Error::statement("expected SELECT or VALUES in a query")
                    .with_hint("WITH goes behind the target: INSERT INTO t WITH ... SELECT ...")
                    .at(self.place(body)))
            }
            SetExpr::Table(_) => {
                Err(Error::unsupported("TABLE t as a query").with_hint("Write SELECT * FROM t.").at(self.place(body)))
            }
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
        }
    }

    fn check_select(&self, select: &Select) -> Result<()> {
        let (group_all, modifiers) = match &select.group_by {
            GroupByExpr::All(modifiers) => (true, modifiers),
            GroupByExpr::Expressions(_, modifiers) => (false, modifiers),
        };
        refuse(
            self.place(select),
            &[
                (matches!(select.distinct, Some(Distinct::On(_))), "SELECT DISTINCT ON"),
                (select.top.is_some(), "SELECT TOP"),
                (select.select_modifiers.is_some(), "a modifier behind SELECT"),
                (select.value_table_mode.is_some(), "SELECT AS STRUCT and SELECT AS VALUE"),
                (select.exclude.is_some(), "EXCLUDE"),
                (select.into.is_some(), "SELECT INTO"),
                (!select.lateral_views.is_empty(), "LATERAL VIEW"),
                (select.prewhere.is_some(), "PREWHERE"),
                (!select.connect_by.is_empty(), "CONNECT BY"),
                (group_all, "GROUP BY ALL"),
                (!modifiers.is_empty(), "a modifier behind GROUP BY"),
                (!select.cluster_by.is_empty(), "CLUSTER BY"),
                (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
                (!select.sort_by.is_empty(), "SORT BY"),
            ],
        )?;
        select.projection.iter().try_for_each(|item| self.check_item(item))
    }

    fn check_item(&self, item: &SelectItem) -> Result<()> {
        match item {
            SelectItem::UnnamedExpr(_) => Ok(()),
            SelectItem::ExprWithAlias { alias, .. } => {
                self.check_name(alias).map_err(|error| error.at(self.place(item)))
            }
            SelectItem::ExprWithAliases { .. } => Err(Error::unsupported("AS with several names").at(self.place(item))),
            SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
                refuse(self.place(item), &[(has_options(options), "a modifier behind *")])
            }
        }
    }

    fn check_name(&self, name: &Ident) -> Result<()> {
        match name.quote_style {
            Some('\'') => Err(Error::statement(format!("'{}' is a string, not a name", name.value))
                .with_hint(format!("Write names in back-ticks: `{}`.", name.value))
                .at(Span::from_ast(name.span))),
            _ => check_reserved(name),
        }
    }

    fn check_table(&mut self, table: &mut TableFactor) -> Result<()> {
        let span = self.place(table);
        match table {
            TableFactor::Table {
                name,
                alias,
                with_hints,
                version,
                partitions,
                json_path,
                sample,
                index_hints,
                args,
                ..
            } => {
                let other_version = version.as_ref().is_some_and(|v| !matches!(v, TableVersion::ForSystemTimeAsOf(_)));
                refuse(
                    span,
                    &[
                        (!with_hints.is_empty(), "WITH behind a table in FROM"),
                        (other_version, "a version other than FOR SYSTEM_TIME AS OF"),
                        (!partitions.is_empty(), "PARTITION behind a table in FROM"),
                        (json_path.is_some(), "a path behind a table in FROM"),
                        (sample.is_some(), "TABLESAMPLE"),
                        (!index_hints.is_empty(), "an index hint"),
                        (args.as_ref().is_some_and(|args| args.settings.is_some()), "SETTINGS behind a table function"),
                    ],
                )?;
                let last = name.0.last().and_then(|part| part.as_ident());
                let end = last.map(|ident| ident.span.end);
                for part in name.0.iter().filter_map(|part| part.as_ident()) {
                    // `UNNEST(...)` is a table function, not a table's name.
                    if args.is_none() {
                        check_reserved(part)?;
                    }
                }
                if let Some(at) = self.hints.iter().position(|hint| Some(hint.behind) == end) {
                    *with_hints = hints::to_with_hints(&self.hints.remove(at).options);
                }
                alias.as_ref().map_or(Ok(()), check_alias)
            }
            TableFactor::Derived { alias, sample, .. } => {
                refuse(span, &[(sample.is_some(), "TABLESAMPLE")])?;
                alias.as_ref().map_or(Ok(()), check_alias)
            }
            TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::NestedJoin { alias, .. }
            | TableFactor::UNNEST { alias, .. } => alias.as_ref().map_or(Ok(()), check_alias),
            TableFactor::Pivot { .. } => Err(Error::unsupported("PIVOT").at(span)),
            TableFactor::Unpivot { .. } => Err(Error::unsupported("UNPIVOT").at(span)),
            _ => Err(Error::unsupported("this table expression").at(span)),
        }
    }
}

fn has_options(options: &WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_some()
        || options.opt_exclude.is_some()
        || options.opt_except.is_some()
        || options.opt_replace.is_some()
        || options.opt_rename.is_some()
        || options.opt_alias.is_some()
}

fn check_alias(alias: &TableAlias) -> Result<()> {
    check_reserved(&alias.name)?;
    alias.columns.iter().try_for_each(|column| match &column.data_type {
        Some(_) => Err(Error::unsupported("a type behind a column's alias").at(Span::from_ast(column.name.span))),
        None => check_reserved(&column.name),
    })
}

fn check_reserved(name: &Ident) -> Result<()> {
    match name.quote_style.is_none() && is_reserved(&name.value) {
        true => Err(reserved(&name.value).at(Span::from_ast(name.span))),
        false => Ok(()),
    }
}

/// Literals that sqlparser takes more freely than Flink.
fn check_expr(expr: &Expr, fallback: Span) -> Result<()> {
    let span = Span::from_ast(expr.span()).unwrap_or(fallback);
    match expr {
        Expr::TypedString(TypedString { data_type, .. })
            if !matches!(data_type, DataType::Date | DataType::Time(..) | DataType::Timestamp(..)) =>
        {
            Err(Error::statement(format!("there are no literals of type {data_type}"))
                .with_hint("Write CAST('...' AS type).")
                .at(span))
        }
        Expr::Interval(interval) => check_interval(interval, span),
        Expr::Convert { .. } => Err(Error::unsupported("CONVERT").with_hint("Write CAST(x AS type).").at(span)),
        _ => Ok(()),
    }
}

/// A string, perhaps with a sign, and units that intervals have.
fn check_interval(interval: &Interval, span: Span) -> Result<()> {
    let unsigned = match interval.value.as_ref() {
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } => expr.as_ref(),
        value => value,
    };
    let is_string = matches!(unsigned, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)));
    if !is_string {
        return Err(Error::statement("an interval's value is a string")
            .with_hint("Write INTERVAL '30' SECOND, or number * INTERVAL '1' SECOND for a computed one.")
            .at(span));
    }
    let units = [&interval.leading_field, &interval.last_field];
    match units.into_iter().flatten().find(|unit| !is_interval_unit(unit)) {
        None => Ok(()),
        Some(unit) => Err(Error::statement(format!("{unit} is not a unit of intervals"))
            .with_hint("Units are YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE and SECOND.")
            .at(span)),
    }
}

fn is_interval_unit(unit: &DateTimeField) -> bool {
    use DateTimeField as Unit;
    matches!(
        unit,
        Unit::Year
            | Unit::Years
            | Unit::Quarter
            | Unit::Month
            | Unit::Months
            | Unit::Week(None)
            | Unit::Weeks
            | Unit::Day
            | Unit::Days
            | Unit::Hour
            | Unit::Hours
            | Unit::Minute
            | Unit::Minutes
            | Unit::Second
            | Unit::Seconds
    )
}
