//! What SET says of a job's checkpoints and restarts, as the job hears it.

use std::time::Duration;

use crate::runtime::{Backoff, RestartStrategy};
use crate::session::Session;

async fn session(settings: &str) -> Session {
    let mut session = Session::new();
    session.execute(settings).await.unwrap();
    session
}

#[tokio::test]
async fn a_job_is_checkpointed_as_is_set() {
    assert!(session("").await.checkpoints("j").unwrap().is_none());
    let defaults = session("SET 'execution.checkpointing.interval' = '2 s';").await.checkpoints("j").unwrap().unwrap();
    assert_eq!((defaults.interval, defaults.min_pause), (Duration::from_secs(2), Duration::ZERO));
    assert_eq!((defaults.timeout, defaults.tolerable_failures), (Duration::from_secs(600), 0));
    assert_eq!((defaults.retained, defaults.removed_at_end), (1, false));
    let set = "SET 'execution.checkpointing.interval' = '2 s';
        SET 'execution.checkpointing.min-pause' = '500 ms';
        SET 'execution.checkpointing.timeout' = '1 min';
        SET 'execution.checkpointing.tolerable-failed-checkpoints' = '3';
        SET 'state.checkpoints.num-retained' = '5';
        SET 'execution.checkpointing.externalized-checkpoint-retention' = 'DELETE_ON_CANCELLATION';";
    let set = session(set).await.checkpoints("j").unwrap().unwrap();
    assert_eq!((set.min_pause, set.timeout), (Duration::from_millis(500), Duration::from_secs(60)));
    assert_eq!((set.tolerable_failures, set.retained, set.removed_at_end), (3, 5, true));
}

#[tokio::test]
async fn a_job_starts_anew_as_is_set() {
    let strategy = async |settings: &str| session(settings).await.restart_strategy(true);
    let default = Backoff { attempts: Some(i32::MAX as u32), ..Backoff::default() };
    assert_eq!(strategy("").await, RestartStrategy::Exponential(default));
    assert_eq!(session("").await.restart_strategy(false), RestartStrategy::Never);
    assert_eq!(strategy("SET 'restart-strategy.type' = 'off';").await, RestartStrategy::Never);
    let rate = "SET 'restart-strategy.type' = 'failure-rate';
        SET 'restart-strategy.failure-rate.max-failures-per-interval' = '4';
        SET 'restart-strategy.failure-rate.failure-rate-interval' = '5 min';
        SET 'restart-strategy.failure-rate.delay' = '10 s';";
    let (interval, delay) = (Duration::from_secs(300), Duration::from_secs(10));
    assert_eq!(strategy(rate).await, RestartStrategy::FailureRate { max_failures: 4, interval, delay });
    let exponential = "SET 'restart-strategy.type' = 'exponential-delay';
        SET 'restart-strategy.exponential-delay.initial-backoff' = '100 ms';
        SET 'restart-strategy.exponential-delay.max-backoff' = '5 s';
        SET 'restart-strategy.exponential-delay.backoff-multiplier' = '2.5';
        SET 'restart-strategy.exponential-delay.reset-backoff-threshold' = '1 min';
        SET 'restart-strategy.exponential-delay.jitter-factor' = '0';
        SET 'restart-strategy.exponential-delay.attempts-before-reset-backoff' = '7';";
    let expected = Backoff {
        initial: Duration::from_millis(100),
        max: Duration::from_secs(5),
        multiplier: 2.5,
        reset: Duration::from_secs(60),
        jitter: 0.0,
        attempts: Some(7),
    };
    assert_eq!(strategy(exponential).await, RestartStrategy::Exponential(expected));
}
