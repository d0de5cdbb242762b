//! The address of a broker, `host:port`; an IPv6 host stands in brackets.

/// The address without the protocol before it (`PLAINTEXT://`), which Java's client takes and passes over: the setting
/// `security.protocol` counts.
pub fn bare(server: &str) -> &str {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-%._".contains(c));
    match server.split_once("://") {
        Some((scheme, address)) if is_scheme(scheme) => address,
        _ => server,
    }
}

/// Host, without brackets, and port.
pub fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.trim_matches(['[', ']']), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_before_an_address_is_passed_over() {
        for (server, address) in [
            ("PLAINTEXT://h:9092", "h:9092"),
            ("sasl_ssl://[::1]:9093", "[::1]:9093"),
            ("h:9092", "h:9092"),
            ("no scheme://h:9092", "no scheme://h:9092"),
        ] {
            assert_eq!(bare(server), address);
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        assert_eq!(host_and_port("h:9092"), Some(("h", 9092)));
        assert_eq!(host_and_port("[::1]:9092"), Some(("::1", 9092)));
        assert_eq!(host_and_port("[fe80::1%eth0]:9092"), Some(("fe80::1%eth0", 9092)));
        assert_eq!((host_and_port("h"), host_and_port("h:x")), (None, None));
    }
}
