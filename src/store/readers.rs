//! The read-only connections: a pool that steps back if the writer needs their slots, or if the files beneath them are
//! gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwap;
use sqlx::{Database, Pool};
use tokio::sync::{RwLock, RwLockReadGuard};

/// Creates a pool of at most so many connections, none of them open yet.
type Make<DB> = Box<dyn Fn(u32) -> Pool<DB> + Send + Sync>;

/// A pool that can be recreated while the service runs.
pub(super) struct Readers<DB: Database> {
    pool: ArcSwap<Pool<DB>>,
    make: Make<DB>,
    /// Maximum number of connections in the pool.
    most: AtomicU32,
    /// Shared by readers, and exclusive for a writer before which they step back.
    turn: RwLock<()>,
}

/// The pool, for one read.
pub(super) struct Lent<'r, DB: Database> {
    pub(super) pool: Arc<Pool<DB>>,
    _turn: RwLockReadGuard<'r, ()>,
}

impl<DB: Database> Readers<DB> {
    pub(super) fn new(most: u32, make: impl Fn(u32) -> Pool<DB> + Send + Sync + 'static) -> Readers<DB> {
        let pool = ArcSwap::from_pointee(make(most));
        Readers { pool, make: Box::new(make), most: AtomicU32::new(most), turn: RwLock::new(()) }
    }

    /// Waits while the writer needs exclusive access.
    pub(super) async fn lend(&self) -> Lent<'_, DB> {
        let turn = self.turn.read().await;
        Lent { pool: self.pool.load_full(), _turn: turn }
    }

    pub(super) fn most(&self) -> u32 {
        self.most.load(Ordering::Relaxed)
    }

    /// Waits for running reads, closes all connections, and does the work without readers; afterwards there are at most
    /// `most` connections.
    pub(super) async fn stand_back<T>(&self, most: u32, work: impl Future<Output = T>) -> T {
        let _alone = self.turn.write().await;
        self.most.store(most, Ordering::Relaxed);
        // The new pool first: a caller that gives up while the old one closes must not leave a closed one behind.
        let old = self.pool.swap(Arc::new((self.make)(most)));
        old.close().await;
        work.await
    }
}
