//! The places of HTTP connections. When all are taken, or all of one address, the connection that has let us wait
//! longest gives way to the new one: a flood of idle or half-spoken connections keeps nobody out.
//!
//! A connection lets us wait while its peer owes something: the rest of a head or body, its next request, or the
//! reading of an answer. One whose request is being worked on never gives way.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::metrics::{ConnectionCut, Metrics, Stopwatch};

/// When no peer is waited for.
const NOT_WAITING: u64 = u64::MAX;
/// The share of the waiting ones that goes at once, so that a flood does not make us look through all of them for each
/// new connection.
const GIVE_WAY_SHARE: usize = 16;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Altogether.
    pub total: usize,
    /// From one address, unless many people share it.
    pub per_address: usize,
}

/// All connections of one listener.
pub struct Connections {
    limits: ConnectionLimits,
    metrics: Arc<Metrics>,
    started: Stopwatch,
    open: Mutex<OpenConnection>,
}

#[derive(Default)]
struct OpenConnection {
    next: u64,
    by_id: BTreeMap<u64, Arc<ServedConnection>>,
    by_address: BTreeMap<IpAddr, usize>,
}

/// One connection, as seen by those who may end it.
pub struct ServedConnection {
    address: IpAddr,
    /// Milliseconds after the start of the listener.
    waiting_since: AtomicU64,
    /// Whether a request is being answered.
    working: AtomicBool,
    /// Cancelled when it must give way.
    pub cut: CancellationToken,
}

/// A connection's place; free again when dropped.
pub struct ConnectionPlace {
    id: u64,
    pub connection: Arc<ServedConnection>,
    connections: Arc<Connections>,
}

impl Connections {
    pub fn new(limits: ConnectionLimits, metrics: Arc<Metrics>) -> Arc<Connections> {
        Arc::new(Connections { limits, metrics, started: Stopwatch::start(), open: Mutex::default() })
    }

    /// A place for a new connection; `None` when everybody else's request is being worked on. `shared`: the address
    /// stands for many people, so that only the total bounds it.
    pub fn admit(self: &Arc<Connections>, address: IpAddr, shared: bool) -> Option<ConnectionPlace> {
        let mut open = self.open();
        let of_address = open.by_address.get(&address).copied().unwrap_or_default();
        let has_room = (shared || of_address < self.limits.per_address || self.make_room(&mut open, Some(address)))
            && (open.by_id.len() < self.limits.total || self.make_room(&mut open, None));
        if !has_room {
            self.metrics.http_connection_cut(ConnectionCut::Full);
            return None;
        }
        let id = open.next;
        open.next += 1;
        let connection = Arc::new(ServedConnection {
            address,
            waiting_since: AtomicU64::new(self.now()),
            working: AtomicBool::new(false),
            cut: CancellationToken::new(),
        });
        open.by_id.insert(id, Arc::clone(&connection));
        *open.by_address.entry(address).or_default() += 1;
        self.metrics.http_connections(open.by_id.len());
        Some(ConnectionPlace { id, connection, connections: Arc::clone(self) })
    }

    /// Frees what the operating system ran out of.
    pub fn shed(&self) {
        let mut open = self.open();
        self.make_room(&mut open, None);
    }

    /// Cuts some of those that let us wait longest; `false` when there is none.
    fn make_room(&self, open: &mut OpenConnection, address: Option<IpAddr>) -> bool {
        let candidates = open.by_id.iter().filter(|(_, one)| address.is_none_or(|address| one.address == address));
        let mut waiting: Vec<(u64, u64)> = candidates
            .map(|(id, one)| (one.waiting_since.load(Ordering::Relaxed), *id))
            .filter(|(since, _)| *since != NOT_WAITING)
            .collect();
        let count = waiting.len().div_ceil(GIVE_WAY_SHARE);
        if count == 0 {
            return false;
        }
        waiting.select_nth_unstable(count - 1);
        for (_, id) in waiting.into_iter().take(count) {
            if let Some(connection) = open.remove(id) {
                connection.cut.cancel();
                self.metrics.http_connection_cut(ConnectionCut::MadeRoom);
            }
        }
        true
    }

    fn now(&self) -> u64 {
        (self.started.seconds() * 1_000.0) as u64
    }

    /// A panic elsewhere leaves at most a count that is one off until its connection ends.
    fn open(&self) -> MutexGuard<'_, OpenConnection> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnection {
    fn remove(&mut self, id: u64) -> Option<Arc<ServedConnection>> {
        let connection = self.by_id.remove(&id)?;
        if let Some(count) = self.by_address.get_mut(&connection.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&connection.address);
            }
        }
        Some(connection)
    }
}

impl ConnectionPlace {
    /// The head of a request is whole.
    pub fn begin_work(&self) {
        self.connection.working.store(true, Ordering::Relaxed);
        self.connection.waiting_since.store(NOT_WAITING, Ordering::Relaxed);
    }

    /// Its answer is handed over or given up.
    pub fn end_work(&self) {
        self.connection.working.store(false, Ordering::Relaxed);
        self.peer_is_awaited();
    }

    /// The peer owes something from now on, unless it did already.
    pub fn peer_is_awaited(&self) {
        let (unset, now) = (NOT_WAITING, self.connections.now());
        // An earlier moment stays.
        let _earlier = self.connection.waiting_since.compare_exchange(unset, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The peer has done what it owed; between two requests it owes the next one.
    pub fn peer_moved(&self) {
        let working = self.connection.working.load(Ordering::Relaxed);
        let since = if working { NOT_WAITING } else { self.connections.now() };
        self.connection.waiting_since.store(since, Ordering::Relaxed);
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        drop(open.remove(self.id));
        self.connections.metrics.http_connections(open.by_id.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits { total: 4, per_address: 2 };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn connections() -> Arc<Connections> {
        Connections::new(LIMITS, Arc::new(Metrics::new()))
    }

    #[test]
    fn the_one_that_lets_us_wait_longest_gives_way() {
        let connections = connections();
        let places: Vec<ConnectionPlace> = (1..=4).map(|n| connections.admit(address(n), false).unwrap()).collect();
        for (place, since) in places.iter().zip([7, 5, 6, NOT_WAITING]) {
            place.connection.waiting_since.store(since, Ordering::Relaxed);
        }
        let _new = connections.admit(address(5), false).unwrap();
        let cut: Vec<bool> = places.iter().map(|place| place.connection.cut.is_cancelled()).collect();
        assert_eq!(cut, [false, true, false, false]);
    }

    #[test]
    fn work_under_way_never_gives_way() {
        let connections = connections();
        let places: Vec<ConnectionPlace> = (1..=4).map(|n| connections.admit(address(n), false).unwrap()).collect();
        places.iter().for_each(ConnectionPlace::begin_work);
        assert!(connections.admit(address(5), false).is_none());
        places[2].peer_is_awaited();
        assert!(connections.admit(address(5), false).is_some());
        assert!(places[2].connection.cut.is_cancelled());
    }

    #[test]
    fn one_address_crowds_out_itself_only_unless_many_share_it() {
        let connections = connections();
        let other = connections.admit(address(1), false).unwrap();
        let busy: Vec<ConnectionPlace> = (0..3).map(|_| connections.admit(address(2), false).unwrap()).collect();
        assert!(!other.connection.cut.is_cancelled());
        assert_eq!(busy.iter().filter(|place| place.connection.cut.is_cancelled()).count(), 1);
        drop(busy);
        let proxied: Vec<ConnectionPlace> = (0..3).map(|_| connections.admit(address(2), true).unwrap()).collect();
        assert_eq!(proxied.iter().filter(|place| place.connection.cut.is_cancelled()).count(), 0);
    }

    #[test]
    fn a_place_is_given_back_once() {
        let connections = connections();
        for _ in 0..100 {
            let place = connections.admit(address(1), false).unwrap();
            let other = connections.admit(address(1), false).unwrap();
            let third = connections.admit(address(1), false).unwrap();
            drop((third, place, other));
        }
        let open = connections.open();
        assert!(open.by_id.is_empty() && open.by_address.is_empty());
    }
}
