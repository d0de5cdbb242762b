//! The files of certificates and keys that an address names.

use std::path::{Path, PathBuf};

use openssl::x509::X509;

use crate::connectors::authorities;
use crate::error::{Error, Result};

/// Where the driver looks for files that the address does not name.
pub fn default_file(name: &str) -> Option<PathBuf> {
    Some(PathBuf::from(std::env::var_os("HOME")?).join(".postgresql").join(name))
}

pub fn read(parameter: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::external(format!("cannot read {parameter}={}: {error}", path.display()))
            .with_hint(format!("Correct the parameter {parameter} of the option 'url', or make the file readable."))
    })
}

/// The certificates in a PEM file, or the one in a DER file.
pub fn certificates(parameter: &str, path: &Path) -> Result<Vec<X509>> {
    let bytes = read(parameter, path)?;
    authorities::certificates(&bytes).ok_or_else(|| {
        Error::external(format!("{parameter}={} holds no certificate", path.display()))
            .with_hint("It must be a PEM file with -----BEGIN CERTIFICATE----- in it.")
    })
}
