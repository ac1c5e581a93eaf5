//! Address to listen on.

use std::fmt;
use std::net::{AddrParseError, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// An address and a port, or a port on all addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenAddr {
    /// All addresses of the pod.
    Any(u16),
    /// One address.
    One(SocketAddr),
}

impl ListenAddr {
    /// What to bind to: the first that the kernel knows. A node may have no IPv6; where it does, one socket
    /// takes both (ipv6(7), `IPV6_V6ONLY`).
    pub fn candidates(self) -> Vec<SocketAddr> {
        match self {
            Self::Any(port) => {
                vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]
            }
            Self::One(address) => vec![address],
        }
    }
}

impl FromStr for ListenAddr {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        // Without a host it is the same as with the one that stands for all.
        match text.strip_prefix(':') {
            Some(port) => format!("0.0.0.0:{port}").parse().map(|any: SocketAddr| Self::Any(any.port())),
            None => text.parse().map(Self::One),
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(port) => write!(f, ":{port}"),
            Self::One(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_accepted_form() {
        assert_eq!(":9533".parse(), Ok(ListenAddr::Any(9533)));
        for one in ["127.0.0.1:9533", "[::1]:9533", "0.0.0.0:0"] {
            assert_eq!(one.parse(), Ok(ListenAddr::One(one.parse().unwrap())));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", ":", "9533", "localhost:9533", "127.0.0.1", ":65536", ":-1", "::1:9533", "*:9533", ": 1"]
        {
            assert!(text.parse::<ListenAddr>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_parsed_again(address: SocketAddr, port: u16) {
            for listen in [ListenAddr::Any(port), ListenAddr::One(address)] {
                let shown = listen.to_string();
                let parsed: ListenAddr = shown.parse().unwrap();
                prop_assert_eq!(parsed.to_string(), shown);
            }
        }
    }
}
