//! The limit of messages under way, in number and bytes; leaving it is automatic.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts messages received and not yet finished. Entering never fails, because the reader checks for room first.
pub(super) struct InFlightLimit {
    messages_max: usize,
    bytes_max: usize,
    inside: Mutex<Usage>,
    left: Notify,
}

#[derive(Clone, Copy, Default)]
struct Usage {
    messages: usize,
    bytes: usize,
}

/// One message's permit; returned when dropped.
pub(super) struct InFlightPermit {
    window: Arc<InFlightLimit>,
    bytes: usize,
}

impl InFlightLimit {
    pub fn new(messages_max: usize, bytes_max: usize) -> Arc<InFlightLimit> {
        Arc::new(InFlightLimit { messages_max, bytes_max, inside: Mutex::default(), left: Notify::new() })
    }

    pub fn enter(self: &Arc<InFlightLimit>, bytes: usize) -> InFlightPermit {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.messages += 1;
        inside.bytes += bytes;
        InFlightPermit { window: Arc::clone(self), bytes }
    }

    pub fn has_room(&self) -> bool {
        let inside = self.inside();
        inside.messages < self.messages_max && inside.bytes < self.bytes_max
    }

    pub fn messages(&self) -> usize {
        self.inside().messages
    }

    /// Waits until `enough` holds, checking again whenever a message leaves.
    pub async fn wait_until(&self, enough: impl Fn(&InFlightLimit) -> bool) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            // Registered before the check, so that no message leaves unseen in between.
            left.as_mut().enable();
            if enough(self) {
                return;
            }
            left.await;
        }
    }

    fn inside(&self) -> Usage {
        *self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlightPermit {
    fn drop(&mut self) {
        let mut inside = self.window.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.messages -= 1;
        inside.bytes -= self.bytes;
        drop(inside);
        self.window.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_bytes_both_fill_it_and_leaving_makes_room() {
        let window = InFlightLimit::new(2, 100);
        let first = window.enter(10);
        assert!(window.has_room());
        let second = window.enter(10);
        assert!(!window.has_room());
        drop(first);
        assert!(window.has_room());
        let third = window.enter(100);
        drop(second);
        assert!(!window.has_room());
        drop(third);
        assert_eq!(window.messages(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_room_is_woken_by_the_next_that_leaves() {
        let window = InFlightLimit::new(1, 100);
        let place = window.enter(1);
        let waiting = tokio::spawn({
            let window = Arc::clone(&window);
            async move { window.wait_until(InFlightLimit::has_room).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(place);
        waiting.await.unwrap();
    }
}
