//! The running forms of the nodes of windows.

use arrow::datatypes::SchemaRef;

use crate::error::{Error, Result};
use crate::operators::{
    LateRows, LocalWindowAggregate, Operator, PaneShape, SessionAggregate, SessionTable, SessionTableShape,
    WindowAggregate, WindowAggregateShape, WindowKind, WindowTable,
};
use crate::plan::stream_plan::{NodeKind, StreamNode};
use crate::types::TimeAttribute;

/// The operator of a node of windows whose input has these columns.
pub fn operator(node: &StreamNode, input: SchemaRef, late: &LateRows) -> Result<Box<dyn Operator>> {
    let schema = node.schema.clone();
    Ok(match &node.kind {
        NodeKind::WindowTable(table) => match table.spec.kind {
            WindowKind::Session { gap } if !table.slices => {
                let shape = SessionTableShape {
                    input,
                    time: table.time,
                    gap,
                    clock: table.spec.clock,
                    processing_time: table.spec.time == TimeAttribute::Proctime,
                    key: table.key.clone(),
                    parts: table.parts.clone(),
                    schema,
                };
                Box::new(SessionTable::try_new(shape, late.clone())?)
            }
            kind => {
                let clock = table.spec.clock;
                Box::new(WindowTable::new(table.time, kind, clock, table.slices, table.parts.clone(), schema))
            }
        },
        NodeKind::LocalWindowAggregate(local) => {
            let pane = PaneShape::try_new(input, local.key.clone(), local.calls.clone(), false)?;
            Box::new(LocalWindowAggregate::new(local.slice, pane, schema))
        }
        NodeKind::WindowAggregate(aggregate) => {
            let calls = aggregate.calls.clone();
            let shape = WindowAggregateShape {
                kind: aggregate.kind,
                clock: aggregate.spec.clock,
                processing_time: aggregate.spec.time == TimeAttribute::Proctime,
                slice: aggregate.slice,
                input: aggregate.input,
                earliest_first: aggregate.earliest_first,
                pane: PaneShape::try_new(input, aggregate.key.clone(), calls, aggregate.retracts)?,
                output: aggregate.output.clone(),
                schema,
            };
            match aggregate.kind {
                WindowKind::Session { .. } => Box::new(SessionAggregate::try_new(shape, late.clone())?),
                _ => Box::new(WindowAggregate::new(shape, late.clone())),
            }
        }
        other => return Err(Error::internal(format!("{other:?} among the nodes of windows"))),
    })
}
