//! A way to a server on which connections break in the middle of what is said.

#![allow(clippy::disallowed_methods)] // tests spawn on their own runtime

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

pub struct Cutter {
    pub address: String,
    cuts: Arc<AtomicUsize>,
}

/// When a connection breaks.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// When the client has sent so many bytes.
    Request(usize),
    /// When the server has sent so many bytes.
    Answer(usize),
}

impl Cutter {
    /// One connection after the other breaks as this says; those after them stay whole.
    pub async fn new(server: String, cuts: impl IntoIterator<Item = Cut>) -> Self {
        let (cutter, leads_to) = Self::to_be_told(cuts).await;
        leads_to.send(server).unwrap();
        cutter
    }

    /// The same before a server that will be known later: connections wait until then.
    pub async fn to_be_told(cuts: impl IntoIterator<Item = Cut>) -> (Self, oneshot::Sender<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (plan, cuts) = (Mutex::new(cuts.into_iter().collect::<VecDeque<_>>()), Arc::<AtomicUsize>::default());
        let counted = cuts.clone();
        let (leads_to, server) = oneshot::channel::<String>();
        tokio::spawn(async move {
            // Without a server: its test has ended.
            let Ok(server) = server.await else { return };
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // A server that is away closes the connection.
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let cut = plan.lock().unwrap().pop_front();
                tokio::spawn(pass(client, server, cut, counted.clone()));
            }
        });
        (Self { address, cuts }, leads_to)
    }

    /// Its address by the name that certificates are for.
    pub fn by_name(&self) -> String {
        self.address.replace("127.0.0.1", "localhost")
    }

    /// Connections that broke.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, cut: Option<Cut>, cuts: Arc<AtomicUsize>) {
    let (forth, back) = match cut {
        None => {
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
        Some(Cut::Request(bytes)) => (bytes, usize::MAX),
        Some(Cut::Answer(bytes)) => (usize::MAX, bytes),
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    // Both ends are closed as soon as one direction ends.
    let cut = tokio::select! {
        cut = copy(&mut from_client, &mut to_server, forth) => cut,
        cut = copy(&mut from_server, &mut to_client, back) => cut,
    };
    cuts.fetch_add(usize::from(cut), Ordering::Relaxed);
}

/// Passes so many bytes on; false if one side ended before.
async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), bytes: usize) -> bool {
    let (mut left, mut buffer) = (bytes, [0; 4096]);
    while left > 0 {
        let room = left.min(buffer.len());
        let read = from.read(&mut buffer[..room]).await.unwrap_or(0);
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return false;
        }
        left -= read;
    }
    true
}
