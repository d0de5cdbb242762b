//! A race of tries of which one is enough, begun one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::sleep;

/// How long one is silent before the next one begins, too.
const STAGGER: Duration = Duration::from_millis(250);

/// What the first one gives that succeeds, or the last that failed; none where there are no tries. The next one begins
/// when one has failed, or is silent for long: it may be so for ever.
pub async fn first_of<T, E>(
    tries: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
) -> Option<Result<T, E>> {
    let mut later: VecDeque<_> = tries.into_iter().collect();
    let mut running = FuturesUnordered::new();
    running.extend(later.pop_front());
    let mut last = None;
    while !running.is_empty() {
        tokio::select! {
            Some(done) = running.next() => match done {
                Ok(done) => return Some(Ok(done)),
                Err(failure) => {
                    last = Some(Err(failure));
                    running.extend(later.pop_front());
                }
            },
            () = sleep(STAGGER), if !later.is_empty() => running.extend(later.pop_front()),
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, pending};

    use futures::future::BoxFuture;
    use tokio::sync::Notify;

    use super::*;

    type Try<'a> = BoxFuture<'a, Result<u8, u8>>;

    #[tokio::test]
    async fn a_try_that_is_silent_holds_up_no_other() {
        let tries: [Try<'_>; 3] = [Box::pin(pending()), Box::pin(pending()), Box::pin(async { Ok(3) })];
        assert_eq!(first_of(tries).await, Some(Ok(3)));
        // One that is slow may still be the first.
        let second_runs = Notify::new();
        let first = async {
            second_runs.notified().await;
            Ok(1)
        };
        let second = async {
            second_runs.notify_one();
            pending().await
        };
        let tries: [Try<'_>; 2] = [Box::pin(first), Box::pin(second)];
        assert_eq!(first_of(tries).await, Some(Ok(1)));
    }

    #[tokio::test]
    async fn a_try_that_fails_is_followed_by_the_next() {
        let tries: [Try<'_>; 3] = [Box::pin(async { Err(1) }), Box::pin(async { Ok(2) }), Box::pin(pending())];
        assert_eq!(first_of(tries).await, Some(Ok(2)));
        let tries: [Try<'_>; 2] = [Box::pin(async { Err(1) }), Box::pin(async { Err(2) })];
        assert_eq!(first_of(tries).await, Some(Err(2)));
        assert_eq!(first_of(Vec::<Ready<Result<u8, u8>>>::new()).await, None);
    }
}
