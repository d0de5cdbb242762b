//! Ctrl-C: how often the user has asked to stop what is going on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::jobs::ENDED_AT_ONCE;
use super::quiet;
use crate::console;
use crate::log::Line;

/// So long may the last words take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts requests to stop; shared by everyone who waits for one.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<watch::Sender<Asked>>);

#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    times: u32,
    /// Everything is to end, not only what is going on.
    to_end: bool,
}

/// What a process is told from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM, or SIGHUP where the terminal is gone.
    End,
}

impl Interrupt {
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Asked::default())))
    }

    /// What the signals of this process ask for. Ctrl-C stops what is going on `at_a_prompt`, and everything elsewhere;
    /// SIGTERM stops everything. Who asks once more when everything is to end, ends the process at once.
    pub fn of_process(at_a_prompt: bool) -> Self {
        let interrupt = Self::new();
        let asked = interrupt.clone();
        // A thread of their own: jobs may keep all others busy.
        let listening = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
            let guard = runtime.enter();
            let mut signals = Signals::listen(at_a_prompt);
            drop(guard);
            let listen = move || {
                runtime.block_on(async {
                    loop {
                        asked.take(signals.next().await, at_a_prompt);
                    }
                });
            };
            std::thread::Builder::new().name("signals".into()).spawn(listen)
        });
        if let Err(error) = listening {
            console::say(Line::warning("millstream", format!("warning: signals end the process at once: {error}")));
        }
        interrupt
    }

    /// Does what a signal asks for.
    fn take(&self, signal: Signal, at_a_prompt: bool) {
        if signal == Signal::Interrupt {
            console::after_echo();
        }
        match signal {
            Signal::Interrupt if at_a_prompt && !self.is_ended() => _ = self.ask(),
            _ if self.is_ended() => {
                // A terminal that takes nothing doesn't keep the process.
                let (open, said) = std::sync::mpsc::channel::<()>();
                let say = move || {
                    quiet::end();
                    console::close_screen();
                    console::clear_live();
                    console::say(Line::info("millstream", ENDED_AT_ONCE));
                    drop(open);
                };
                if std::thread::Builder::new().spawn(say).is_ok() {
                    let _said = said.recv_timeout(PATIENCE);
                }
                std::process::exit(130);
            }
            _ => self.end(),
        }
    }

    /// Asks to stop; gives how often it was asked for now.
    pub fn ask(&self) -> u32 {
        self.0.send_modify(|asked| asked.times += 1);
        self.0.borrow().times
    }

    /// Asks to stop what is going on and everything behind it.
    pub fn end(&self) {
        self.0.send_modify(|asked| *asked = Asked { times: asked.times + 1, to_end: true });
    }

    /// Forgets what was asked: something new begins. A request to end stays.
    pub fn clear(&self) {
        self.0.send_modify(|asked| asked.times = u32::from(asked.to_end));
    }

    /// How often it was asked for.
    pub fn times(&self) -> u32 {
        self.0.borrow().times
    }

    pub fn is_asked(&self) -> bool {
        self.0.borrow().times > 0
    }

    /// Returns once the user has asked.
    pub async fn asked(&self) {
        self.asked_times(1).await;
    }

    /// Returns once the user has asked so often.
    pub async fn asked_times(&self, times: u32) {
        self.until(|asked| asked.times >= times).await;
    }

    /// Returns once everything is to end.
    pub async fn ended(&self) {
        self.until(|asked| asked.to_end).await;
    }

    pub fn is_ended(&self) -> bool {
        self.0.borrow().to_end
    }

    async fn until(&self, reached: impl FnMut(&Asked) -> bool) {
        if self.0.subscribe().wait_for(reached).await.is_err() {
            // The sender lives in `self`.
            std::future::pending::<()>().await;
        }
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}

/// The signals of this process as they come. From the first call on they don't end it.
#[cfg(unix)]
struct Signals {
    streams: Vec<(Signal, tokio::signal::unix::Signal)>,
}

#[cfg(unix)]
impl Signals {
    /// SIGHUP is listened to `on_terminal` alone: elsewhere `nohup` may have said that it means nothing.
    fn listen(on_terminal: bool) -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [
            (Signal::Interrupt, SignalKind::interrupt()),
            (Signal::End, SignalKind::terminate()),
            (Signal::End, SignalKind::hangup()),
        ];
        let kinds = kinds.into_iter().take(if on_terminal { 3 } else { 2 });
        Self { streams: kinds.filter_map(|(what, kind)| Some((what, signal(kind).ok()?))).collect() }
    }

    /// The next one. Cancel safe.
    async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (what, stream) in &mut self.streams {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*what);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen(_on_terminal: bool) -> Self {
        Self
    }

    /// The next one.
    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
