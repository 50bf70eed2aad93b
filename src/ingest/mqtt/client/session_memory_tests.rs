//! The memory of a session against brokers that keep packet ids or not, and that mark what they send again or not.

use bytes::Bytes;

use super::*;

fn message(payload: &str, packet_id: u16, dup: bool) -> (Incoming, Ack) {
    let ack = Ack::of(packet_id);
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    (Incoming { topic: "t".to_owned(), payload, ack: Some(ack), dup, retained: false }, ack)
}

/// Each message is `payload packet-id`, with `!` if the broker marks it as sent again; it takes `new`, in a session whose
/// earlier run took `before`, and expects those for repeats that stand in `repeats`.
fn check(before: &str, after: &str, repeats: &str) {
    let read = |text: &str| {
        let (payload, number) = text.split_once(' ').unwrap();
        message(payload, number.trim_end_matches('!').parse().unwrap(), text.ends_with('!'))
    };
    let mut memory = SessionMemory::new("watchfire@broker", Vec::new(), None);
    memory.connected(false);
    let mut kept = Vec::new();
    for text in before.split(", ").filter(|text| !text.is_empty()) {
        let (incoming, ack) = read(text);
        kept.extend(memory.arrived(&incoming, ack).progress.taken);
    }
    // A lost connection keeps the memory, and a kill takes it from the store.
    for mut memory in [memory, SessionMemory::new("watchfire@broker", kept, None)] {
        memory.connected(true);
        let mut found = Vec::new();
        for text in after.split(", ") {
            let (incoming, ack) = read(text);
            if memory.arrived(&incoming, ack).is_repeat {
                found.push(text);
            }
        }
        assert_eq!(found.join(", "), repeats, "{before:?}, then {after:?}");
    }
}

#[test]
fn what_a_broker_sends_again_is_known_whatever_its_dup_flag_says() {
    // Everything again, or the end of it; then what is new.
    check("a 1, b 2, c 3", "a 1!, b 2!, c 3!, d 4", "a 1!, b 2!, c 3!");
    check("a 1, b 2, c 3", "a 1, b 2, c 3, d 4", "a 1, b 2, c 3");
    check("a 1, b 2, c 3", "c 3, d 4", "c 3");
    // Behind what is new, marked.
    check("a 1, b 2, c 3", "d 4, e 5, b 2!, c 3!, b 6", "b 2!, c 3!");
    // Packet ids from 1 again.
    check("a 7, b 8, c 9", "b 1, c 2, d 3", "b 1, c 2");
    check("a 7, b 8, c 9", "b 1!, c 2!, d 3!, e 4", "b 1!, c 2!");
}

#[test]
fn what_is_new_is_no_repeat_though_it_says_the_same() {
    // Nothing was unacknowledged.
    check("up 1, down 2", "up 3, down 4", "");
    // Taken, but not committed before the kill: the broker marks it, and its packet id is its own.
    check("up 1, down 2, up 3, down 4", "up 3!, down 4!, up 5!, down 6!, up 7", "up 3!, down 4!");
    check("up 1, down 2", "up 3!, down 4!, up 5", "");
    // After the run, a packet id comes round again.
    check("up 1, down 2", "up 1, down 2, other 3, up 1, down 2", "up 1, down 2");
}

#[test]
fn without_its_session_a_broker_sends_nothing_again() {
    let mut memory =
        SessionMemory::new("s", vec![TakenMessage { number: 4, packet_id: 1, digest: digest("t", b"a") }], None);
    memory.connected(false);
    let (incoming, ack) = message("a", 1, false);
    let arrival = memory.arrived(&incoming, ack);
    assert!(!arrival.is_repeat);
    assert_eq!((arrival.progress.settled_before, arrival.progress.taken.unwrap().number), (5, 5));
}

#[test]
fn a_ping_settles_what_was_acknowledged_before_it() {
    let mut memory = SessionMemory::new("s", Vec::new(), None);
    memory.connected(false);
    for (payload, packet_id) in [("a", 1), ("b", 2), ("c", 3)] {
        let (incoming, ack) = message(payload, packet_id, false);
        memory.arrived(&incoming, ack);
    }
    assert_eq!(memory.ping_answered(), None);
    memory.acknowledged(Ack::of(1));
    memory.ping_sent();
    memory.acknowledged(Ack::of(2));
    assert_eq!(memory.ping_answered().map(|progress| progress.settled_before), Some(1));
    memory.ping_sent();
    assert_eq!(memory.ping_answered().map(|progress| progress.settled_before), Some(2));
    assert_eq!(memory.left().settled_before, 3);
}

#[test]
fn retained_messages_are_no_part_of_the_run() {
    let mut memory = SessionMemory::new("s", Vec::new(), None);
    memory.connected(false);
    let (incoming, ack) = message("a", 1, false);
    memory.arrived(&incoming, ack);
    memory.connected(true);
    let (mut retained, ack) = message("a", 9, false);
    retained.retained = true;
    assert!(!memory.arrived(&retained, ack).is_repeat);
    let (incoming, ack) = message("a", 1, false);
    assert!(memory.arrived(&incoming, ack).is_repeat);
}

#[test]
fn a_session_that_was_there_and_is_gone_is_noticed_once() {
    let mut memory = SessionMemory::new("s", Vec::new(), None);
    assert!(!memory.connected(false), "the first session");
    assert!(memory.subscribed().is_some());
    assert_eq!(memory.subscribed(), None);
    assert!(!memory.connected(true));
    assert_eq!(memory.dropped(7).facts, Some(SessionFacts { dropped: Some(7) }));
    assert!(memory.connected(false));
    assert!(!memory.connected(false), "told already");
    let mut memory = SessionMemory::new("s", Vec::new(), Some(SessionFacts::default()));
    assert!(memory.connected(false), "an earlier run of the service had it");
}

#[test]
fn a_retained_message_is_history_unless_the_session_is_new() {
    let mut memory = SessionMemory::new("s", Vec::new(), None);
    let (mut incoming, _) = message("a", 1, false);
    incoming.retained = true;
    for (resumed, dup, expected) in [(false, false, false), (true, false, true), (true, true, false)] {
        memory.connected(resumed);
        incoming.dup = dup;
        assert_eq!(memory.is_history(&incoming), expected, "{resumed} {dup}");
    }
}
