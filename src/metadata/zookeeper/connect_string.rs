//! `zookeeper.connect`: hosts with ports, and one chroot at the end.
//!
//! Example: `zk1:2181,zk2,[::1]:2183/kafka/a` has three hosts (2181 is the default port) and the
//! chroot `/kafka/a`.

use crate::metadata::store::StoreError;

/// A connect string taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConnectString {
    /// Hosts (without brackets) and ports, at least one.
    pub(super) hosts: Vec<(String, u16)>,
    /// `None` for the ensemble's own root.
    pub(super) chroot: Option<String>,
}

impl ConnectString {
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let malformed = || StoreError::Other(format!("zookeeper.connect is malformed: {text}"));
        let (hosts, chroot) = match text.find('/') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let hosts = hosts.split(',').map(|host| parse_host(host.trim()));
        let hosts = hosts.collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
        let chroot = chroot.trim_end_matches('/');
        let parts = chroot.split('/').skip(1);
        if chroot.contains(',') || parts.into_iter().any(|part| matches!(part, "" | "." | "..")) {
            return Err(malformed());
        }
        Ok(ConnectString { hosts, chroot: (!chroot.is_empty()).then(|| chroot.to_string()) })
    }

    /// As the client crate takes it.
    pub(super) fn cluster(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(|(host, port)| at(host, *port)).collect();
        format!("{}{}", hosts.join(","), self.chroot.as_deref().unwrap_or_default())
    }
}

fn at(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn parse_host(text: &str) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("2181"))?)
        }
        None => text.rsplit_once(':').unwrap_or((text, "2181")),
    };
    let port: u16 = port.parse().ok()?;
    (!host.is_empty() && port > 0).then(|| (host.to_string(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_chroot_are_told_apart() {
        let parsed = ConnectString::parse("zk1:2182,zk2, [::1]:2183/kafka/a").expect("is well");
        assert_eq!(parsed.chroot.as_deref(), Some("/kafka/a"));
        assert_eq!(parsed.cluster(), "zk1:2182,zk2:2181,[::1]:2183/kafka/a");
        assert_eq!(ConnectString::parse("zk1/").map(|c| c.chroot), Ok(None));
    }

    #[test]
    fn malformed_strings_are_refused() {
        for text in ["", ",", "a:b", "a:0", "a:70000", "a/b//c", "a/..", "a/x,b/x", "[::1"] {
            assert!(ConnectString::parse(text).is_err(), "{text}");
        }
    }
}
