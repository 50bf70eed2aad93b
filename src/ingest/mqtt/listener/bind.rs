//! Which port the listener takes, and what happens when somebody else has it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

/// The address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A free port of the same address when this one is taken.
    Preferred(SocketAddr),
    /// Configured: a port that is taken is an error.
    Exactly(SocketAddr),
}

impl Default for Binding {
    fn default() -> Binding {
        Binding::Preferred(SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)))
    }
}

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen for MQTT on {address}: {problem}; stop what holds the port, or configure another one")]
pub struct ListenError {
    pub address: SocketAddr,
    pub problem: io::Error,
}

pub(super) async fn bind(binding: Binding) -> Result<(TcpListener, SocketAddr), ListenError> {
    let (wanted, fallback) = match binding {
        Binding::Preferred(address) => (address, Some(SocketAddr::new(address.ip(), 0))),
        Binding::Exactly(address) => (address, None),
    };
    let failed = |problem| ListenError { address: wanted, problem };
    let socket = match (TcpListener::bind(wanted).await, fallback) {
        (Ok(socket), _) => socket,
        (Err(problem), Some(free)) if problem.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(free).await.map_err(failed)?
        }
        (Err(problem), _) => return Err(failed(problem)),
    };
    let address = socket.local_addr().map_err(failed)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_preferred_port_that_is_taken_gives_way_and_a_configured_one_is_an_error() {
        let (_holder, taken) = bind(Binding::Exactly(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).await.unwrap();
        let (_other, free) = bind(Binding::Preferred(taken)).await.unwrap();
        assert_eq!(free.ip(), taken.ip());
        assert_ne!(free.port(), taken.port());
        let mistake = bind(Binding::Exactly(taken)).await.unwrap_err().to_string();
        assert!(mistake.contains(&taken.to_string()), "{mistake}");
    }
}
