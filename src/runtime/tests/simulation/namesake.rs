//! Another job of the same name that keeps its checkpoints elsewhere: it is refused, and the one that runs doesn't notice.

use super::damage::run_in;
use super::run::{Asked, End};
use super::world::Trouble;
use crate::checkpoint::Store;
use crate::error::ErrorKind;

#[tokio::test]
async fn a_job_of_the_same_name_is_refused_before_it_disturbs_the_one_that_runs() {
    for (seed, atomic) in [(1, true), (2, false), (3, true), (4, false)] {
        let (folder, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let sinks = vec![Some("one"), if seed > 2 { Some("two") } else { Some("one") }, Some("one")];
        let run = run_in(folder.path(), seed, [("one", atomic), ("two", true)], sinks);
        let namesake = run.beside(Store::folder(other.path()).expect("a folder"));
        let second = async {
            while run.world.services["one"].marker().is_none() {
                tokio::task::yield_now().await;
            }
            namesake.start_beside().await
        };
        let (first, second) = tokio::join!(run.start(Trouble::default(), Asked::default()), second);
        assert_eq!(first.expect("no error"), End::Finished);
        let error = second.expect_err("it is refused");
        assert_eq!(error.kind(), ErrorKind::State, "{error}");
        assert!(error.message().contains("has rows of this job up to epoch"), "{error}");
        assert_eq!(run.check(), None, "{}", run.world.log().join("\n"));
    }
}
