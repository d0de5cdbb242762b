//! The authorities that TLS trusts: those whose certificates are named and no others, or the system's.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use crate::error::{Error, Result};

/// Where systems keep the authorities they trust.
const SYSTEM_FILES: [&str; 10] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/etc/certs/ca-certificates.crt",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/opt/homebrew/etc/openssl@3/cert.pem",
    "/usr/local/etc/openssl@3/cert.pem",
];

/// Where the authorities are whom the system trusts, or whom the environment names in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Systems {
    file: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Systems {
    /// As for OpenSSL `SSL_CERT_FILE` names a file, and `SSL_CERT_DIR` folders.
    ///
    /// # Errors
    /// The environment names none, and the system's file isn't found.
    pub fn find() -> Result<Self> {
        Self::named(std::env::var_os("SSL_CERT_FILE"), std::env::var_os("SSL_CERT_DIR"))
    }

    fn named(file: Option<OsString>, folders: Option<OsString>) -> Result<Self> {
        let file = file.filter(|file| !file.is_empty()).map(PathBuf::from);
        let folders = folders.iter().flat_map(std::env::split_paths).filter(|path| !path.as_os_str().is_empty());
        let named = Self { file, folders: folders.collect() };
        if named.file.is_some() || !named.folders.is_empty() {
            return Ok(named);
        }
        match SYSTEM_FILES.iter().map(PathBuf::from).find(|path| path.exists()) {
            Some(file) => Ok(Self { file: Some(file), folders: Vec::new() }),
            None => Err(Error::external("the system's trusted authorities are not found").with_hint(
                "Install the package ca-certificates, or set SSL_CERT_FILE to their file or SSL_CERT_DIR to their folder.",
            )),
        }
    }

    /// The file, where it holds all of them.
    pub fn only_file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|_| self.folders.is_empty())
    }

    /// All of them.
    ///
    /// # Errors
    /// The file can't be read or holds no certificate, or there is none at all.
    pub fn certificates(&self) -> Result<Vec<X509>> {
        let mut found = Vec::new();
        if let Some(file) = &self.file {
            let path = file.display();
            let bytes = fs::read(file)
                .map_err(|error| Error::external(format!("cannot read the trusted certificates in {path}: {error}")))?;
            let some = certificates(&bytes);
            found.extend(some.ok_or_else(|| Error::external(format!("there is no certificate in {path}")))?);
        }
        // One of several need not be there.
        found.extend(self.folders.iter().filter_map(|folder| in_folder(folder).ok()).flatten());
        if found.is_empty() {
            return Err(Error::external(format!("there is no trusted certificate in {self}")).with_hint(BY_HASH));
        }
        Ok(found)
    }
}

impl fmt::Display for Systems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.file.iter().chain(&self.folders).map(|path| path.display().to_string()).collect();
        f.write_str(&all.join(" and "))
    }
}

/// Why a folder of certificates may hold none.
pub const BY_HASH: &str =
    "In a folder certificates go by the hash of their subjects, as `openssl rehash FOLDER` names them.";

/// The certificates in a folder, which OpenSSL would find by the hash of their subjects: `5ed36f99.0`. A name without a
/// file behind it is passed over.
///
/// # Errors
/// The folder can't be read.
pub fn in_folder(folder: &Path) -> io::Result<Vec<X509>> {
    let mut names = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    names.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_hash));
    names.sort_unstable();
    let found = names.iter().filter_map(|path| certificates(&fs::read(path).ok()?));
    Ok(found.flatten().collect())
}

fn is_hash(name: &str) -> bool {
    let Some((hash, number)) = name.split_once('.') else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number && hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The certificates in a PEM text, or the one in DER; none where there is none.
pub fn certificates(bytes: &[u8]) -> Option<Vec<X509>> {
    let found = match bytes.windows(10).any(|w| w == b"-----BEGIN") {
        true => X509::stack_from_pem(bytes),
        false => X509::from_der(bytes).map(|one| vec![one]),
    };
    found.ok().filter(|found| !found.is_empty())
}

/// These as PEM, one after the other.
///
/// # Errors
/// OpenSSL can't write one of them.
pub fn pem(certificates: &[X509]) -> Result<String> {
    let mut text = String::new();
    for certificate in certificates {
        let bytes = certificate
            .to_pem()
            .map_err(|error| Error::external(format!("a certificate can't be written: {error}")))?;
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    Ok(text)
}

/// A store of these alone: one that a builder of OpenSSL's brings holds what the environment names, too.
///
/// # Errors
/// OpenSSL doesn't take one of them.
pub fn store(certificates: Vec<X509>) -> Result<X509StoreBuilder, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    certificates.into_iter().try_for_each(|certificate| store.add_cert(certificate))?;
    Ok(store)
}

/// The certificate of an authority of this name, signed by itself.
#[cfg(test)]
pub fn testing(name: &str) -> X509 {
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::X509NameBuilder;

    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&curve).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_file_and_folders_in_which_certificates_go_by_their_hash() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, authority: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, testing(authority).to_pem().unwrap()).unwrap();
            path.into_os_string()
        };
        let file = write("bundle.pem", "of the file");
        write("one/0123abcd.0", "first");
        write("one/0123abcd.1", "second");
        write("two/ffffffff.10", "third");
        for name in ["one/ca.pem", "one/0123abcd.r0", "one/0123abcd.", "one/0123abc.0", "two/0123abcd.0.pem"] {
            write(name, "not by its hash");
        }
        fs::write(folder.path().join("one/00000000.0"), "no certificate").unwrap();
        let folders = std::env::join_paths(["one", "no", "two"].map(|name| folder.path().join(name))).unwrap();
        let found = |file: Option<OsString>, folders: Option<OsString>| -> Result<String> {
            let name = |one: X509| format!("{:?}", one.subject_name().entries().next().unwrap().data());
            let names: Vec<String> = Systems::named(file, folders)?.certificates()?.into_iter().map(name).collect();
            Ok(names.join(" "))
        };
        let (both, in_folders) = (found(Some(file.clone()), Some(folders.clone())), found(None, Some(folders)));
        assert_eq!(both.unwrap(), r#""of the file" "first" "second" "third""#);
        assert_eq!(in_folders.unwrap(), r#""first" "second" "third""#);
        assert_eq!(found(Some(file.clone()), Some(OsString::new())).unwrap(), r#""of the file""#);
        assert_eq!(Systems::named(Some(file), None).unwrap().only_file(), Some(&*folder.path().join("bundle.pem")));

        let empty = tempfile::tempdir().unwrap();
        let error = found(None, Some(empty.path().into())).unwrap_err();
        assert_eq!(error.message(), format!("there is no trusted certificate in {}", empty.path().display()));
        assert_eq!(error.hint(), Some(BY_HASH));
        let gone = found(Some(empty.path().join("gone").into()), None).unwrap_err();
        assert!(gone.message().starts_with("cannot read the trusted certificates in "), "{gone}");
    }
}
