//! A connection to one broker: opened, logged in, and asked one thing after the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::race::first_of;
use super::scram::Scram;
use super::settings::{Login, Mechanism, Settings};
use super::spare::Spare;
use super::versions::{self, Versions};
use super::wire::{Answer, Api, Request};
use super::{fetch, leader_epochs, leaders};
use crate::connectors::kafka::address;

const CLOSED: &str = "the broker closed the connection";
/// What an answer has beside a batch that is as large as any: topics, partitions, aborted transactions.
const AROUND_RECORDS: usize = 1 << 20;

/// The versions in which a login is spoken: with a request for each step, and without an end to what it is good for.
const HANDSHAKE: i16 = 1;
const AUTHENTICATE: i16 = 0;

/// What bytes go through.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that stands, to a broker that takes our requests.
pub struct Connection {
    stream: Box<dyn Stream>,
    /// The number of the last request.
    number: i32,
    client_id: String,
    answer_limit: usize,
    spare: Spare,
    pub fetch_version: i16,
    pub metadata_version: i16,
    /// None where the broker doesn't say where a leader epoch ends.
    pub leader_epochs_version: Option<i16>,
}

/// Why there is no connection, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Another try may help.
    Away(String),
    /// It was closed before the broker said its versions, as where one side speaks TLS and the other doesn't.
    BrokenOff { in_tls: bool },
    /// There is no trust, or no common language.
    Tls(String),
    /// The broker doesn't let us in.
    Login(String),
    /// The broker can't be talked with.
    Unable(String),
    /// An answer is larger than any that is taken.
    Large { size: usize, limit: usize },
}

impl Failure {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Away(CLOSED.into()),
            // Without the number of the system's error.
            _ => Self::Away(error.to_string().split(" (os error").next().unwrap_or_default().to_string()),
        }
    }

    /// Why, in short.
    pub fn words(&self) -> &str {
        match self {
            Self::Away(why) | Self::Tls(why) | Self::Login(why) | Self::Unable(why) => why,
            Self::BrokenOff { .. } => CLOSED,
            Self::Large { .. } => "an answer is too large",
        }
    }

    fn malformed(what: &str) -> Self {
        Self::Away(format!("the broker's answer can't be read ({what})"))
    }
}

impl Connection {
    /// Connects, hears what the broker can do, and logs in.
    pub async fn open(address: &str, settings: &Settings, spare: &Spare) -> Result<Self, Failure> {
        let patience = settings.connect_timeout;
        let late = |_| Failure::Away(format!("no connection within {} s", patience.as_secs_f64()));
        let stream = timeout(patience, reach(address, settings)).await.map_err(late)??;
        let mut connection = Self::over(stream, settings, spare);
        timeout(settings.request_timeout, connection.shake_hands(settings.login.as_ref()))
            .await
            .unwrap_or_else(|_| Err(no_answer(settings.request_timeout)))?;
        Ok(connection)
    }

    /// A connection on which nothing was said yet.
    pub fn over(stream: Box<dyn Stream>, settings: &Settings, spare: &Spare) -> Self {
        Self {
            stream,
            number: 0,
            client_id: settings.client_id.clone(),
            answer_limit: settings.batch_limit + AROUND_RECORDS,
            spare: spare.clone(),
            fetch_version: 0,
            metadata_version: 0,
            leader_epochs_version: None,
        }
    }

    async fn shake_hands(&mut self, login: Option<&Login>) -> Result<(), Failure> {
        let answer = match self.ask(versions::request(&self.client_id)).await {
            Err(Failure::Away(why)) if why == CLOSED => return Err(Failure::BrokenOff { in_tls: false }),
            // An alert of TLS, taken for the size of an answer.
            Err(Failure::Large { .. }) => return Err(Failure::BrokenOff { in_tls: false }),
            answer => answer?,
        };
        let versions = match Versions::of(answer) {
            Ok(Ok(versions)) => versions,
            Ok(Err(code)) => return Err(Failure::Unable(format!("the broker doesn't say what it can do ({code})"))),
            Err(_) => return Err(Failure::malformed("ApiVersions")),
        };
        let choose = |api, ours| {
            let old = || Failure::Unable("the broker is too old or too new for the native client".into());
            versions.choose(api, ours).ok_or_else(old)
        };
        self.fetch_version = choose(Api::Fetch, fetch::VERSIONS)?;
        self.metadata_version = choose(Api::Metadata, leaders::VERSIONS)?;
        self.leader_epochs_version = versions.choose(Api::OffsetForLeaderEpoch, leader_epochs::VERSIONS);
        let Some(login) = login else { return Ok(()) };
        // A broker may know the login, and not yet know it as requests of its own.
        choose(Api::SaslHandshake, HANDSHAKE..=HANDSHAKE)?;
        choose(Api::SaslAuthenticate, AUTHENTICATE..=AUTHENTICATE)?;
        self.log_in(login).await
    }

    async fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        let mut request = self.request(Api::SaslHandshake, HANDSHAKE);
        request.text(login.mechanism.name());
        let mut answer = Answer::new(self.ask(request).await?);
        let read = answer.i16().and_then(|error| Ok((error, answer.array(Answer::text)?)));
        match read {
            Ok((0, _)) => {}
            Ok((_, offered)) => {
                let offered = offered.join(", ");
                let why = format!("the broker doesn't take {}: it offers {offered}", login.mechanism.name());
                return Err(Failure::Login(why));
            }
            Err(_) => return Err(Failure::malformed("SaslHandshake")),
        }
        let Login { user, password, .. } = login;
        match login.mechanism {
            Mechanism::Plain => self.show(format!("\0{user}\0{password}").as_bytes()).await.map(|_| ()),
            Mechanism::Scram(hash) => {
                let mut scram = Scram::new(hash, user, password);
                let answer = self.show(&scram.first_message()).await?;
                // As many hashes as the broker wants, up to a second's work: on no thread that drives others.
                let second = spawn_blocking(move || scram.second_message(&answer).map(|second| (scram, second))).await;
                let second = second.map_err(|_| Failure::Away("the login was broken off".into()))?;
                let (scram, second) = second.map_err(Failure::Login)?;
                let answer = self.show(&second).await?;
                scram.check(&answer).map_err(Failure::Login)
            }
        }
    }

    /// One step of a login.
    async fn show(&mut self, token: &[u8]) -> Result<Bytes, Failure> {
        let mut request = self.request(Api::SaslAuthenticate, AUTHENTICATE);
        request.bytes(token);
        let mut answer = Answer::new(self.ask(request).await?);
        let read = answer.i16().and_then(|error| Ok((error, answer.text()?, answer.bytes()?)));
        match read {
            Ok((0, _, token)) => Ok(token),
            Ok((_, why, _)) if !why.is_empty() => Err(Failure::Login(why)),
            Ok((code, ..)) => Err(Failure::Login(format!("the broker refuses the login ({code})"))),
            Err(_) => Err(Failure::malformed("SaslAuthenticate")),
        }
    }

    /// The start of a request.
    pub fn request(&self, api: Api, version: i16) -> Request {
        Request::new(api, version, &self.client_id)
    }

    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Sends a request and hears the answer; the caller bounds the time.
    async fn ask(&mut self, request: Request) -> Result<Bytes, Failure> {
        self.send(request).await?;
        self.answer(Duration::MAX).await
    }

    /// Sends a request and hears the answer, which begins within `patience`.
    pub async fn ask_within(&mut self, patience: Duration, request: Request) -> Result<Bytes, Failure> {
        timeout(patience, self.send(request)).await.map_err(|_| no_answer(patience))??;
        self.answer(patience).await
    }

    pub async fn send(&mut self, request: Request) -> Result<(), Failure> {
        self.number = self.number.wrapping_add(1);
        self.stream.write_all(&request.finish(self.number)).await.map_err(|error| Failure::of(&error))
    }

    /// The answer to the request that was sent last, behind its number. It begins, and goes on, within `patience`: not
    /// all of it has to come within that, for whoever waits for it may be slow.
    pub async fn answer(&mut self, patience: Duration) -> Result<Bytes, Failure> {
        let mut head = [0; 8];
        match timeout(patience, self.stream.read_exact(&mut head)).await {
            Ok(read) => read.map_err(|error| Failure::of(&error))?,
            Err(_) => return Err(no_answer(patience)),
        };
        let [s0, s1, s2, s3, n0, n1, n2, n3] = head;
        let size = usize::try_from(i32::from_be_bytes([s0, s1, s2, s3])).ok().and_then(|size| size.checked_sub(4));
        let size = match size {
            Some(size) if size <= self.answer_limit => size,
            Some(size) => return Err(Failure::Large { size, limit: self.answer_limit }),
            None => return Err(Failure::malformed("its size")),
        };
        if i32::from_be_bytes([n0, n1, n2, n3]) != self.number {
            return Err(Failure::malformed("its number"));
        }
        let mut buffer = self.spare.take(size);
        while buffer.len() < size {
            let mut rest = (&mut self.stream).take((size - buffer.len()) as u64);
            match timeout(patience, rest.read_buf(&mut buffer)).await {
                Ok(Ok(0)) => return Err(Failure::Away(CLOSED.into())),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(Failure::of(&error)),
                Err(_) => return Err(no_answer(patience)),
            }
        }
        let answer = buffer.freeze();
        self.spare.keep(&answer);
        Ok(answer)
    }
}

fn no_answer(patience: Duration) -> Failure {
    Failure::Away(format!("no answer within {} s", patience.as_secs_f64()))
}

/// A way to the broker, over TLS where that is asked for.
async fn reach(address: &str, settings: &Settings) -> Result<Box<dyn Stream>, Failure> {
    let stream = connect(address, settings).await.map_err(|error| Failure::of(&error))?;
    #[cfg(feature = "tls")]
    if let Some(tls) = &settings.tls {
        return Ok(Box::new(tls.wrap(address, stream).await?));
    }
    Ok(Box::new(stream))
}

/// The first that answers of the addresses that the broker's name stands for.
async fn connect(address: &str, settings: &Settings) -> io::Result<TcpStream> {
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    let host_and_port = address::host_and_port(address).ok_or_else(no_address)?;
    let found = lookup_host(host_and_port).await?.map(|address| connect_to(address, settings));
    first_of(found).await.unwrap_or_else(|| Err(no_address()))
}

async fn connect_to(address: SocketAddr, settings: &Settings) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(size) = settings.send_buffer {
        socket.set_send_buffer_size(size)?;
    }
    if let Some(size) = settings.receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests;
