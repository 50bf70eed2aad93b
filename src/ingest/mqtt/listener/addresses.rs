//! What each address may take of the intake: connections, half-made packets, and wrong passwords. One that takes too
//! much waits or is turned away, and the others do not notice.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::refusal::ConnectRefusal;

/// Wrong passwords of an address that cost nothing: a person who sets up a device mistypes.
const FAILURES_FREE: u32 = 5;
/// How long the next login of an address waits after the first one that costs; doubled by each further one.
const LOGIN_DELAY_FIRST: Duration = Duration::from_millis(200);
const LOGIN_DELAY_MAX: Duration = Duration::from_secs(8);
/// After so long without a wrong password, half of them are forgotten.
const FAILURES_HALVE_AFTER: Duration = Duration::from_secs(60);
/// Addresses that are remembered for their wrong passwords alone.
const REMEMBERED_MAX: usize = 10_000;
/// In what unfinished packets are counted.
const UNIT_BYTES: usize = 1_024;

/// What one address may take, and all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub connections: usize,
    /// Connections that have not said who they are.
    pub handshakes: usize,
    /// Bytes of packets that are begun and not complete.
    pub unfinished_bytes: usize,
    pub all_unfinished_bytes: usize,
}

/// Everybody who is connected, or gave wrong passwords lately.
pub(super) struct Addresses {
    bounds: Bounds,
    all_unfinished: Arc<Semaphore>,
    known: Mutex<BTreeMap<IpAddr, Known>>,
}

struct Known {
    connections: usize,
    handshakes: usize,
    failures: u32,
    last_failure: Instant,
    unfinished: Arc<Semaphore>,
}

/// One connection's place at its address; given back when dropped.
pub(super) struct AddressSlot {
    addresses: Arc<Addresses>,
    address: IpAddr,
    is_handshaking: bool,
}

/// Where the packets of one address are put together.
#[derive(Clone)]
pub(super) struct Assembly {
    bounds: Bounds,
    unfinished: Arc<Semaphore>,
    all_unfinished: Arc<Semaphore>,
}

/// Room for one packet; given back when dropped.
pub(super) struct Room(
    #[expect(dead_code, reason = "holds the room")] OwnedSemaphorePermit,
    #[expect(dead_code, reason = "holds the room")] OwnedSemaphorePermit,
);

impl Addresses {
    pub fn new(bounds: Bounds) -> Arc<Addresses> {
        let all_unfinished = Arc::new(Semaphore::new(bounds.all_unfinished_bytes / UNIT_BYTES));
        Arc::new(Addresses { bounds, all_unfinished, known: Mutex::default() })
    }

    /// A place for a connection that begins.
    pub fn enter(self: &Arc<Addresses>, address: IpAddr) -> Result<AddressSlot, ConnectRefusal> {
        let address = network(address);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, one| one.connections > 0);
        }
        let one = known.entry(address).or_insert_with(|| Known {
            connections: 0,
            handshakes: 0,
            failures: 0,
            last_failure: steady_now(),
            unfinished: Arc::new(Semaphore::new(self.bounds.unfinished_bytes / UNIT_BYTES)),
        });
        if one.connections >= self.bounds.connections {
            return Err(ConnectRefusal::AddressConnections);
        }
        if one.handshakes >= self.bounds.handshakes {
            return Err(ConnectRefusal::AddressHandshakes);
        }
        one.connections += 1;
        one.handshakes += 1;
        Ok(AddressSlot { addresses: Arc::clone(self), address, is_handshaking: true })
    }

    fn with<T>(&self, address: IpAddr, change: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_mut(&address).map(change)
    }
}

impl AddressSlot {
    /// How long this address waits before its next password is looked at.
    pub fn login_delay(&self) -> Duration {
        let failures = self.addresses.with(self.address, |one| one.failures_now(steady_now())).unwrap_or(0);
        match failures.checked_sub(FAILURES_FREE) {
            None => Duration::ZERO,
            Some(costly) => LOGIN_DELAY_FIRST.saturating_mul(2_u32.saturating_pow(costly)).min(LOGIN_DELAY_MAX),
        }
    }

    /// A password of this address was wrong.
    pub fn login_failed(&self) {
        let now = steady_now();
        self.addresses.with(self.address, |one| {
            one.failures = one.failures_now(now).saturating_add(1);
            one.last_failure = now;
        });
    }

    /// It has said who it is.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.is_handshaking) {
            self.addresses.with(self.address, |one| one.handshakes -= 1);
        }
    }

    pub fn assembly(&self) -> Assembly {
        let unfinished = self.addresses.with(self.address, |one| Arc::clone(&one.unfinished));
        Assembly {
            bounds: self.addresses.bounds,
            unfinished: unfinished.unwrap_or_else(|| Arc::new(Semaphore::new(0))),
            all_unfinished: Arc::clone(&self.addresses.all_unfinished),
        }
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        self.settle();
        let mut known = self.addresses.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(one) = known.get_mut(&self.address) else { return };
        one.connections -= 1;
        if one.connections == 0 && one.failures_now(steady_now()) == 0 {
            known.remove(&self.address);
        }
    }
}

impl Assembly {
    /// Waits for room for so many bytes: first among the packets of its own address, so that nobody waits for the
    /// others while holding room of all.
    pub async fn room(&self, bytes: usize) -> Option<Room> {
        let own = bytes.min(self.bounds.unfinished_bytes).div_ceil(UNIT_BYTES);
        let of_all = bytes.min(self.bounds.all_unfinished_bytes).div_ceil(UNIT_BYTES);
        let units = |units: usize| u32::try_from(units).unwrap_or(u32::MAX);
        let own = Arc::clone(&self.unfinished).acquire_many_owned(units(own)).await.ok()?;
        let of_all = Arc::clone(&self.all_unfinished).acquire_many_owned(units(of_all)).await.ok()?;
        Some(Room(own, of_all))
    }
}

impl Known {
    fn failures_now(&self, now: Instant) -> u32 {
        let halvings = now.saturating_duration_since(self.last_failure).as_secs() / FAILURES_HALVE_AFTER.as_secs();
        self.failures.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0)
    }
}

/// What counts as one address: of IPv6 the network of a subscriber, who has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Limits and deadlines of connections run on the monotonic clock; nothing of it reaches an event.
#[expect(clippy::disallowed_methods, reason = "a time limit of a connection, never a moment of the domain")]
pub(super) fn steady_now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Arc<Addresses> {
        let (unfinished_bytes, all_unfinished_bytes) = (2 << 20, 8 << 20);
        Addresses::new(Bounds { connections: 3, handshakes: 2, unfinished_bytes, all_unfinished_bytes })
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_its_places_and_the_others_theirs() {
        let addresses = addresses();
        let enter = |text: &str| addresses.enter(text.parse().unwrap());
        let mut first = enter("192.0.2.1").unwrap();
        let second = enter("192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").err(), Some(ConnectRefusal::AddressHandshakes));
        assert!(enter("192.0.2.2").is_ok());
        first.settle();
        let third = enter("::ffff:192.0.2.1").unwrap();
        assert_eq!(enter("192.0.2.1").err(), Some(ConnectRefusal::AddressConnections));
        drop(second);
        let mut fourth = enter("192.0.2.1").unwrap();
        fourth.settle();
        assert_eq!(enter("192.0.2.1").err(), Some(ConnectRefusal::AddressConnections));
        drop((first, third, fourth));
        assert!(addresses.known.lock().unwrap().is_empty());
        let _one = enter("2001:db8::1").unwrap();
        let _two = enter("2001:db8::2").unwrap();
        assert!(enter("2001:db8:0:0:ffff::3").is_err(), "one subscriber");
        assert!(enter("2001:db8:0:1::1").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn wrong_passwords_make_the_next_login_of_their_address_wait_longer_and_longer() {
        let addresses = addresses();
        let place = addresses.enter("192.0.2.1".parse().unwrap()).unwrap();
        let delays: Vec<u64> = (0..14)
            .map(|_| {
                let delay = place.login_delay();
                place.login_failed();
                delay.as_millis() as u64
            })
            .collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 200, 400, 800, 1_600, 3_200, 6_400, 8_000, 8_000, 8_000]);
        let other = addresses.enter("192.0.2.2".parse().unwrap()).unwrap();
        assert_eq!(other.login_delay(), Duration::ZERO);
        drop(place);
        let again = addresses.enter("192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!(again.login_delay(), LOGIN_DELAY_MAX, "leaving does not help");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(again.login_delay(), Duration::from_millis(800));
        tokio::time::sleep(Duration::from_secs(240)).await;
        assert_eq!(again.login_delay(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn half_made_packets_of_one_address_leave_room_for_those_of_others() {
        let addresses = addresses();
        let place = addresses.enter("192.0.2.1".parse().unwrap()).unwrap();
        let assembly = place.assembly();
        let first = assembly.room(1 << 20).await;
        let second = assembly.room(1 << 20).await;
        let waiting = |assembly: Assembly| async move {
            tokio::time::timeout(Duration::from_secs(1), assembly.room(1 << 20)).await.is_err()
        };
        assert!(waiting(assembly.clone()).await);
        let other = addresses.enter("192.0.2.2".parse().unwrap()).unwrap();
        assert!(!waiting(other.assembly()).await);
        drop(second);
        assert!(!waiting(assembly).await);
        drop(first);
        assert!(other.assembly().room(usize::MAX).await.is_some(), "what is larger than the bound waits for all of it");
    }
}
