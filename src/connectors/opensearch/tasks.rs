//! Which bulk requests the service is carrying out, by the names that we gave them.
//!
//! A request whose answer is lost may still be carried out, and its writes come late: over those of a request that was
//! sent after it. So it is waited for until it is over, before anything else is sent for the same documents.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opensearch::http::Method;
use opensearch::http::headers::HeaderValue;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64;

use super::client::Cluster;
use super::request::{Request, path_segment};
use crate::connectors::Reporter;
use crate::error::{Error, Result};

/// Between two looks. What was sent at the last moment is in the list by the second.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the job's part of a name may be, for headers are bounded.
const MAX_KEY: usize = 200;

/// Names the bulk requests of one start of a job: `X-Opaque-Id: job/lineage/attempt/number`. Cheap to clone.
///
/// Attempts count from 1 in every checkpoint folder, and in every batch job: only with its lineage one is a start.
#[derive(Debug, Clone)]
pub struct RequestNames {
    job: Arc<str>,
    /// `lineage/attempt`
    start: Arc<str>,
    count: Arc<AtomicU64>,
}

impl RequestNames {
    pub fn new(job: &str, lineage: &str, attempt: u64) -> Self {
        let mut key = path_segment(job);
        if key.len() > MAX_KEY {
            key.truncate(MAX_KEY);
            key.push_str(&format!("~{:016x}", xxh3_64(job.as_bytes())));
        }
        let start = format!("{}/{attempt}", path_segment(lineage));
        Self { job: key.into(), start: start.into(), count: Arc::default() }
    }

    /// A name that no other request has.
    pub fn name(&self) -> Result<HeaderValue> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_str(&format!("{}/{}/{number}", self.job, self.start))
            .map_err(|e| Error::internal(format!("a request without a name: {e}")))
    }

    /// True for a request of the same job that was named in another start.
    pub fn is_of_another_start(&self, name: &str) -> bool {
        let Some((job, rest)) = name.split_once('/') else { return false };
        job == &*self.job && rest.rsplit_once('/').is_none_or(|(start, _)| start != &*self.start)
    }
}

#[derive(Deserialize)]
struct Tasks {
    #[serde(default)]
    tasks: Vec<Task>,
    /// Nodes that didn't say what they do.
    #[serde(default)]
    node_failures: Vec<serde_json::Value>,
    #[serde(default)]
    task_failures: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Task {
    #[serde(default)]
    headers: Headers,
}

#[derive(Default, Deserialize)]
struct Headers {
    #[serde(rename = "X-Opaque-Id", default)]
    opaque_id: String,
}

/// Waits until no bulk request is carried out any longer whose name is `awaited`; `whose` tells people of them. Where the
/// user may not see, it waits as long as an answer may take (`answer_timeout`).
pub async fn wait_until_over(
    cluster: &Cluster,
    (patience, answer_timeout): (Duration, Duration),
    whose: &str,
    awaited: impl Fn(&str) -> bool,
) -> Result<()> {
    let reporter: &Reporter = cluster.reporter();
    let fields = "tasks.headers,node_failures,task_failures";
    let request = Request::new(Method::Get, format!("/_tasks?actions=*bulk*&group_by=none&filter_path={fields}"));
    let (mut looks_without, mut told) = (0, false);
    while looks_without < 2 {
        if looks_without > 0 || told {
            tokio::time::sleep(PAUSE).await;
        }
        let answer = cluster.ask(&request, patience).await?;
        if answer.status == 403 {
            let seconds = answer_timeout.as_secs_f32();
            let line = format!(
                "waiting {seconds} s for {whose} to end: the user of {} may not list tasks (cluster:monitor/tasks/lists)",
                cluster.name()
            );
            reporter.waits(&line);
            tokio::time::sleep(answer_timeout).await;
            reporter.goes_on();
            return Ok(());
        }
        if answer.status >= 400 {
            return Err(cluster.refused(&answer));
        }
        let tasks: Tasks = serde_json::from_slice(&answer.body)
            .map_err(|e| Error::external(format!("{} listed its tasks as something else: {e}", cluster.name())))?;
        let unknown = tasks.node_failures.len() + tasks.task_failures.len();
        let running = tasks.tasks.iter().filter(|task| awaited(&task.headers.opaque_id)).count();
        if running + unknown == 0 {
            looks_without += 1;
            continue;
        }
        looks_without = 0;
        if !told {
            reporter
                .waits_because(&format!("waiting for {}", cluster.name()), &format!("{whose} are still carried out"));
            told = true;
        }
    }
    if told {
        reporter.goes_on();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_job_are_told_from_others() {
        let names = RequestNames::new("jobs/ü", "ab", 7);
        assert_eq!(names.name().unwrap(), "jobs%2F%C3%BC/ab/7/0");
        assert_eq!(names.clone().name().unwrap(), "jobs%2F%C3%BC/ab/7/1");
        for (name, is_other) in [
            ("jobs%2F%C3%BC/ab/6/0", true),
            ("jobs%2F%C3%BC/ab/70/0", true),
            ("jobs%2F%C3%BC/ab/7/0", false),
            // The same number in another folder, or in another run of a batch job.
            ("jobs%2F%C3%BC/cd/7/0", true),
            ("jobs/ab/6/0", false),
            ("jobs%2F%C3%BC", false),
            ("", false),
        ] {
            assert_eq!(names.is_of_another_start(name), is_other, "{name}");
        }
        let long = RequestNames::new(&"j".repeat(5000), &"a".repeat(32), 7);
        assert!(long.name().unwrap().len() < 270);
        assert!(!long.is_of_another_start(&format!("{}/a/6/0", "j".repeat(5000))));
    }
}
