//! What a node keeps between rows: of what, per which key, for how long.

use std::time::Duration;

use super::stream_plan::{NodeKind, StreamNode, StreamPlan};
use super::upsert_keys::tuple;
use super::window::duration;
use crate::operators::WindowKind;
use crate::types::TimeAttribute;

/// As EXPLAIN writes it: `results per (hostname), for ever`; `None` for nodes that keep nothing.
pub fn state(plan: &StreamPlan, node: &StreamNode) -> Option<String> {
    let per = |key: &[usize]| tuple(key, &plan.nodes[node.inputs[0]].schema);
    let until_over = |time: TimeAttribute, what: &str| match time {
        TimeAttribute::Rowtime => format!("until the watermark passes its {what}"),
        TimeAttribute::Proctime => format!("until the clock passes its {what}"),
    };
    Some(match &node.kind {
        NodeKind::GroupAggregate(aggregate) => format!("results per {}, {}", per(&aggregate.key), lives(aggregate.ttl)),
        NodeKind::LocalGroupAggregate(aggregate) => {
            format!("results per {}, until the mini-batch ends", per(&aggregate.key))
        }
        NodeKind::WindowAggregate(aggregate) => match aggregate.kind {
            WindowKind::Session { .. } => {
                format!("sessions per {}, {}", per(&aggregate.key), until_over(aggregate.spec.time, "end"))
            }
            _ => {
                let key = [aggregate.key.as_slice(), &[aggregate.slice]].concat();
                format!("results per {}, {}", per(&key), until_over(aggregate.spec.time, "last window"))
            }
        },
        NodeKind::WindowTable(table) if matches!(table.spec.kind, WindowKind::Session { .. }) && !table.slices => {
            format!("rows per {}, {}", per(&table.key), until_over(table.spec.time, "session"))
        }
        NodeKind::ChangelogNormalize(node) => format!("rows per {}, {}", per(&node.key), lives(node.ttl)),
        NodeKind::SinkUpsertMaterializer(node) => format!("rows per {}, {}", per(&node.primary_key), lives(node.ttl)),
        NodeKind::Limit { .. } => "count per (), for ever".to_string(),
        _ => return None,
    })
}

/// How long the state of a key lives without a row.
fn lives(ttl: Option<Duration>) -> String {
    match ttl {
        Some(ttl) => format!("{} after its last row", duration(ttl.as_millis() as i64)),
        None => "for ever".to_string(),
    }
}
