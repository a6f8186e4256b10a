//! Addresses: what `bind` and `connect` accept, and how a name becomes addresses.
//!
//! Book: chapter 4.

use super::RuntimeGone;
use crate::runtime::context;
use crate::{TaskError, spawn_blocking};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What can be turned into socket addresses, at once or by asking the system's name service.
///
/// It accepts what [`std::net::ToSocketAddrs`] does: addresses, pairs of host and port, strings
/// such as `"127.0.0.1:80"` and `"localhost:80"`. Only real names are looked up, and that happens
/// on the blocking pool: it can take seconds. This trait cannot be implemented outside the crate.
pub trait ToSocketAddrs: sealed::ToCandidates {}

impl<T: sealed::ToCandidates> ToSocketAddrs for T {}

mod sealed {
    use super::SocketAddr;

    pub trait ToCandidates {
        #[doc(hidden)]
        fn to_candidates(&self) -> Candidates;
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Candidates {
        Known(Vec<SocketAddr>),
        Name { host: String, port: u16 },
        Invalid,
    }
}

use sealed::{Candidates, ToCandidates};

/// The addresses that `addr` stands for.
pub(super) async fn resolve(addr: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    match addr.to_candidates() {
        Candidates::Known(addresses) => Ok(addresses),
        Candidates::Name { host, port } => {
            let lookup = spawn_blocking(move || {
                let pair = (host.as_str(), port);
                std::net::ToSocketAddrs::to_socket_addrs(&pair).map(Iterator::collect)
            });
            match lookup.outcome().await {
                Ok(addresses) => addresses,
                Err(TaskError::Cancelled) if context::driver().is_closed() => {
                    Err(RuntimeGone.into())
                }
                Err(TaskError::Cancelled) => {
                    Err(io::Error::other("no thread could be started to look up the name"))
                }
                Err(panicked) => Err(io::Error::other(panicked.to_string())),
            }
        }
        Candidates::Invalid => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "an address looks like 127.0.0.1:80, [::1]:80 or name:80",
        )),
    }
}

/// Does `attempt` with each address until one succeeds. The error is that of the last one.
///
/// `attempt` is no `AsyncFnMut`: the future of one is `Send` only where no lifetime is in the way,
/// and nobody could bind in a trait's method that promises a `Send` future.
pub(super) async fn first_of<T, F>(
    addr: impl ToSocketAddrs,
    mut attempt: impl FnMut(SocketAddr) -> F,
) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut error = io::Error::new(io::ErrorKind::InvalidInput, "there is no address to try");
    for address in resolve(addr).await? {
        match attempt(address).await {
            Ok(socket) => return Ok(socket),
            Err(failed) => error = failed,
        }
    }
    Err(error)
}

impl ToCandidates for SocketAddr {
    fn to_candidates(&self) -> Candidates {
        Candidates::Known(vec![*self])
    }
}

impl ToCandidates for SocketAddrV4 {
    fn to_candidates(&self) -> Candidates {
        SocketAddr::from(*self).to_candidates()
    }
}

impl ToCandidates for SocketAddrV6 {
    fn to_candidates(&self) -> Candidates {
        SocketAddr::from(*self).to_candidates()
    }
}

impl ToCandidates for (IpAddr, u16) {
    fn to_candidates(&self) -> Candidates {
        SocketAddr::from(*self).to_candidates()
    }
}

impl ToCandidates for (Ipv4Addr, u16) {
    fn to_candidates(&self) -> Candidates {
        SocketAddr::from(*self).to_candidates()
    }
}

impl ToCandidates for (Ipv6Addr, u16) {
    fn to_candidates(&self) -> Candidates {
        SocketAddr::from(*self).to_candidates()
    }
}

impl ToCandidates for [SocketAddr] {
    fn to_candidates(&self) -> Candidates {
        Candidates::Known(self.to_vec())
    }
}

impl<const N: usize> ToCandidates for [SocketAddr; N] {
    fn to_candidates(&self) -> Candidates {
        self.as_slice().to_candidates()
    }
}

impl ToCandidates for Vec<SocketAddr> {
    fn to_candidates(&self) -> Candidates {
        self.as_slice().to_candidates()
    }
}

impl ToCandidates for (&str, u16) {
    fn to_candidates(&self) -> Candidates {
        let (host, port) = *self;
        host.parse::<IpAddr>().map_or_else(
            |_| Candidates::Name { host: host.to_owned(), port },
            |ip| (ip, port).to_candidates(),
        )
    }
}

impl ToCandidates for (String, u16) {
    fn to_candidates(&self) -> Candidates {
        (self.0.as_str(), self.1).to_candidates()
    }
}

impl ToCandidates for str {
    fn to_candidates(&self) -> Candidates {
        if let Ok(address) = self.parse::<SocketAddr>() {
            return address.to_candidates();
        }
        let parts = self.rsplit_once(':');
        parts
            .and_then(|(host, port)| Some((host, port.parse().ok()?)))
            .map_or(Candidates::Invalid, |(host, port): (&str, u16)| (host, port).to_candidates())
    }
}

impl ToCandidates for String {
    fn to_candidates(&self) -> Candidates {
        self.as_str().to_candidates()
    }
}

impl<T: ToCandidates + ?Sized> ToCandidates for &T {
    fn to_candidates(&self) -> Candidates {
        (**self).to_candidates()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_addresses_need_no_name_service() {
        let expected = Candidates::Known(vec![SocketAddr::from(([127, 0, 0, 1], 80))]);
        assert_eq!("127.0.0.1:80".to_candidates(), expected);
        assert_eq!(("127.0.0.1", 80).to_candidates(), expected);
        assert_eq!((Ipv4Addr::LOCALHOST, 80).to_candidates(), expected);
        assert_eq!(String::from("127.0.0.1:80").to_candidates(), expected);
        let v6 = Candidates::Known(vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 80))]);
        assert_eq!("[::1]:80".to_candidates(), v6);
    }

    #[test]
    fn names_are_looked_up_and_nonsense_is_refused() {
        let name = Candidates::Name { host: "localhost".to_owned(), port: 80 };
        assert_eq!("localhost:80".to_candidates(), name);
        assert_eq!(("localhost".to_owned(), 80).to_candidates(), name);
        for nonsense in ["", "localhost", "127.0.0.1", "localhost:", "localhost:99999"] {
            assert_eq!(nonsense.to_candidates(), Candidates::Invalid, "{nonsense:?}");
        }
    }
}
