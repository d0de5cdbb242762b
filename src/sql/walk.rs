//! Walks over a syntax tree.
//!
//! sqlparser writes its walk out for every type of visitor, each some hundred kilobytes of code: here is one that all share.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Select, TableFactor, Visit, VisitMut, Visitor, VisitorMut};

/// What a walk comes by, before it goes into it.
pub(crate) enum Node<'a> {
    Query(&'a Query),
    Expr(&'a Expr),
}

/// What a walk that may change the tree comes by: before it goes into it, but for `Done`.
pub(crate) enum NodeMut<'a> {
    Query(&'a mut Query),
    Select(&'a mut Select),
    Table(&'a mut TableFactor),
    Expr(&'a mut Expr),
    /// An expression, after all that is in it.
    Done(&'a mut Expr),
}

/// Shows `see` every node, subqueries' too, until it breaks off.
pub(crate) fn walk(tree: &impl Visit, see: &mut dyn FnMut(Node<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
    tree.visit(&mut Walk(see))
}

/// The same, with nodes that may be changed.
pub(crate) fn walk_mut(
    tree: &mut impl VisitMut,
    see: &mut dyn FnMut(NodeMut<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    tree.visit(&mut WalkMut(see))
}

/// Whether `wanted` is true of any expression.
pub(crate) fn has(tree: &impl Visit, wanted: impl Fn(&Expr) -> bool) -> bool {
    let found = walk(tree, &mut |node| match node {
        Node::Expr(expr) if wanted(expr) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

struct Walk<'s>(&'s mut dyn FnMut(Node<'_>) -> ControlFlow<()>);

impl Visitor for Walk<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        (self.0)(Node::Query(query))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        (self.0)(Node::Expr(expr))
    }
}

struct WalkMut<'s>(&'s mut dyn FnMut(NodeMut<'_>) -> ControlFlow<()>);

impl VisitorMut for WalkMut<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        (self.0)(NodeMut::Query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        (self.0)(NodeMut::Select(select))
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        (self.0)(NodeMut::Table(table))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        (self.0)(NodeMut::Expr(expr))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        (self.0)(NodeMut::Done(expr))
    }
}
