//! What stands in the place of TLS in a build without it: nothing, since [`super::Mode::attempts`] never asks for it.

use tokio_postgres::{Config, NoTls};

use super::TlsOptions;
use crate::error::{Error, Result};

#[derive(Debug)]
pub struct Tls;

impl Tls {
    pub fn new(_options: &TlsOptions) -> Result<Self> {
        Err(Error::internal("TLS was asked for in a build without it"))
    }

    pub fn connector(&self) -> NoTls {
        NoTls
    }

    pub fn prepare(&self, _config: &mut Config) {}

    pub fn failure(&self, _error: &tokio_postgres::Error, _host: &str) -> Option<Error> {
        None
    }
}
